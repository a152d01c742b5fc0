import Dispatch
import Foundation
import Synchronization
import Testing

/// A terminal whose screen is what was written to it.
final class PseudoTerminal: Sendable {
  /// What programs write to.
  let program: FileHandle

  private let screen: Int32
  private let seen = Mutex<[UInt8]>([])
  private let ended = DispatchSemaphore(value: 0)

  init(columns: Int) throws {
    var (screen, program): (Int32, Int32) = (-1, -1)
    try #require(unsafe openpty(&screen, &program, nil, nil, nil) == 0)
    // Children of other tests that kept it open would keep this terminal from ending.
    for descriptor in [screen, program] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    self.screen = screen
    self.program = FileHandle(fileDescriptor: program, closeOnDealloc: true)
    resize(columns: columns)
    Thread.detachNewThread { [self] in read() }
  }

  deinit { close(screen) }

  /// Makes the window wider or narrower.
  func resize(columns: Int) {
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = unsafe ioctl(screen, UInt(TIOCSWINSZ), &size)
  }

  /// Everything that was written so far.
  var text: String { seen.withLock { String(decoding: $0, as: UTF8.self) } }

  /// Waits until nobody can write any more; the programs have to have ended.
  func finish() throws -> String {
    try program.close()
    guard ended.wait(timeout: .now() + 120) == .success else { throw Child.TookTooLong() }
    return text
  }

  private func read() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe Glibc.read(screen, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      // The last writer's end is an error on Linux.
      guard count > 0 else { break }
      seen.withLock { $0 += buffer[..<count] }
    }
    ended.signal()
  }
}
