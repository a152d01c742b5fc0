import ArgumentParser
import Foundation
import Jobs
import Library
import Logging

/// What a command says while it works, and how.
struct LogOptions: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  enum Level: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .notice }
  }

  @Flag(help: "Say nothing but warnings and errors; the last line only when something needs a look.")
  var quiet = false

  @Option(help: "How messages are written to standard error.")
  var logFormat = Format.text

  @Option(help: "The least level of messages.")
  var logLevel = Level.notice

  /// The logger of the command. The log of the run has it in more detail, and does not ask for quiet.
  func logger() -> Logger {
    let level = quiet ? max(logLevel.level, .warning) : logLevel.level
    let spoken = StandardErrorLog(format: logFormat, logLevel: level)
    let written = RunLogHandler(.shared, logLevel: min(logLevel.level, .info))
    return Logger(label: "mixdown") { _ in MultiplexLogHandler([spoken, written]) }
  }
}

/// Writes messages to standard error, one line each.
struct StandardErrorLog: LogHandler {
  let format: LogOptions.Format
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(format: LogOptions.Format, logLevel: Logger.Level) {
    self.format = format
    self.logLevel = logLevel
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let line: String
    switch format {
    case .text:
      line = "mixdown: \(event.level): \(event.message)" + fields.map { " \($0.key)=\($0.value)" }.joined()
    case .json:
      var object = ["time": Instant.text(wallClock()), "level": event.level.rawValue, "message": "\(event.message)"]
      for (key, value) in fields { object[key] = "\(value)" }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      line = (try? encoder.encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    Console.shared.say(line, to: .errors)
  }
}

/// Writes a line to standard output.
func say(_ line: String) { Console.shared.say(line, to: .output) }
