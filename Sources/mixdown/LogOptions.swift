import ArgumentParser
import Foundation
import Jobs
import Library
import Logging
import Stores

/// A command that is told how it is to speak.
protocol SpeakingCommand: ParsableCommand {
  var log: LogOptions { get }
}

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

extension JobEvents {
  /// What every run tells of itself.
  init(tellingTo logger: Logger) {
    self.init()
    interrupted = { logger.warning("\($0): stopping in order; once more stops at once") }
    resumed = { manifest in
      logger.notice(
        "going on with a run that did not end, by its clock",
        metadata: ["run": "\(manifest.runID)", "as_of": "\(manifest.asOf)"])
    }
  }
}

extension LogOptions.Format {
  /// A message as one line: `mixdown: error: message key=value`, or one flat JSON object.
  func line(_ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)]) -> String {
    switch self {
    case .text:
      return ("mixdown: \(level): \(message)" + fields.map { " \($0.key)=\($0.value)" }.joined()).printable
    case .json:
      // Before it is encoded: an address ends at a quotation mark, and what the encoder escapes would hide that.
      var object = fields.reduce(into: [:]) { $0[$1.key] = withoutPasswords($1.value) }
      object["time"] = Instant.text(wallClock())
      object["level"] = level.rawValue
      object["message"] = withoutPasswords(message)
      return (try? JSONEncoder.steady().encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
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
    let line = format.line(event.level, "\(event.message)", fields.map { ($0.key, "\($0.value)") })
    Console.shared.say(line, to: .errors)
  }
}

/// Writes a line to standard output.
func say(_ line: String) { Console.shared.say(line, to: .output) }
