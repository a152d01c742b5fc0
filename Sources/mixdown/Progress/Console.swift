import Foundation
import Glibc
import Synchronization

/// Standard output and standard error of the program, and the line of progress that stands below what was said.
///
/// Everything that is said goes through here, so that a line is never written into the progress: it takes the place of
/// the progress, which is drawn again below it.
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

  /// Writes a line. A stream that is closed is no reason to fail.
  func say(_ line: String, to stream: Stream) {
    progress.withLock { progress in
      guard !progress.isEmpty, stream.isTerminal else { return Self.write(line + "\n", stream) }
      Self.write("\r" + Self.eraseLine + line + "\n", stream)
      Self.write(progress, .errors)
    }
  }

  /// Draws the line of progress in the place of the last one, with one write and only if it is another.
  func draw(_ line: String) {
    progress.withLock { progress in
      guard line != progress else { return }
      // What is overwritten need not be erased first: nothing flickers.
      Self.write("\r" + line + Self.eraseLine, .errors)
      progress = line
    }
  }

  /// Takes the line of progress away.
  func erase() {
    progress.withLock { progress in
      guard !progress.isEmpty else { return }
      Self.write("\r" + Self.eraseLine, .errors)
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

  private static func write(_ text: String, _ stream: Stream) {
    let handle = stream == .output ? FileHandle.standardOutput : FileHandle.standardError
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
