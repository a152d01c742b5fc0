import Foundation
import Glibc
import Jobs
import Logging
import Stores
import Synchronization

/// Standard output and standard error of the program, and the line of progress that stands below what was said.
///
/// Everything that is said goes through here, so that a line is never written into the progress: it takes the place of
/// the progress, which is drawn again below it. And so that no message shows a password, wherever it comes from.
final class Console: Sendable {
  static let shared = Console()

  enum Stream: Int32 {
    case output = 1
    case errors = 2

    /// Whether people look at it.
    var isTerminal: Bool { isatty(rawValue) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }
  }

  /// The line of progress as it stands on the terminal; empty when there is none.
  private let progress = Mutex("")
  private let chosenFormat = Mutex(LogOptions.Format.text)
  /// The system's code for what first kept a line of standard output from being written.
  private let firstLoss = Mutex<CInt?>(nil)

  /// How messages are written to standard error.
  var format: LogOptions.Format {
    get { chosenFormat.withLock { $0 } }
    set { chosenFormat.withLock { $0 = newValue } }
  }

  /// Why standard output is not whole; nil when it is, or nobody reads it.
  var loss: String? { firstLoss.withLock { $0 }.map(systemMessage) }

  /// Writes a line. A stream that nobody reads is no reason to fail; one that takes no more is noted in ``loss``, and
  /// the work goes on.
  func say(_ line: String, to stream: Stream) {
    let line = stream == .errors ? withoutPasswords(line) : line
    progress.withLock { progress in
      guard !progress.isEmpty, stream.isTerminal else { return write(line + "\n", stream) }
      write("\r" + Self.eraseLine + line + "\n", stream)
      write(progress, .errors)
    }
  }

  /// Writes a message to standard error.
  func tell(_ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)] = []) {
    say(format.line(level, message, fields), to: .errors)
  }

  /// Draws the line of progress in the place of the last one, with one write and only if it is another.
  func draw(_ line: String) {
    progress.withLock { progress in
      guard line != progress else { return }
      // What is overwritten need not be erased first: nothing flickers.
      write("\r" + line + Self.eraseLine, .errors)
      progress = line
    }
  }

  /// Takes the line of progress away.
  func erase() {
    progress.withLock { progress in
      guard !progress.isEmpty else { return }
      write("\r" + Self.eraseLine, .errors)
      progress = ""
    }
  }

  /// The columns of the terminal behind standard error, at this moment.
  static var columns: Int {
    var size = winsize()
    guard unsafe ioctl(Stream.errors.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Erases from the cursor to the end of the line.
  private static let eraseLine = "\u{1B}[K"

  private func write(_ text: String, _ stream: Stream) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(stream.rawValue, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // Whoever shares the stream has made it one that does not wait.
        var ready = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&ready, 1, 1000)
      } else if errno != EINTR {
        let code = errno
        // What a reader who has gone would have read nobody misses, nor what a stream for reading was to take.
        if stream == .output, code != EPIPE, code != EBADF { firstLoss.withLock { $0 = $0 ?? code } }
        return
      }
    }
  }
}
