internal import Glibc

/// An open file descriptor; closed when it goes.
struct Descriptor: ~Copyable {
  let number: Int32

  /// Opens `path`, relative to `directory`, for reading.
  ///
  /// - Parameters:
  ///   - directory: an open directory, or `AT_FDCWD`.
  ///   - path: the path as the system has it, with its zero byte.
  ///   - flags: beside `O_RDONLY` and those that keep a FIFO or terminal from holding us up.
  /// - Returns: nil when the system refuses; `errno` says why.
  init?(at directory: Int32, _ path: [CChar], flags: Int32 = 0) {
    let number = unsafe openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags)
    guard number >= 0 else { return nil }
    self.number = number
  }

  /// Creates the file at `path`, which must not exist, for writing; only its owner can read it.
  ///
  /// - Returns: nil when the system refuses; `errno` says why.
  init?(creating path: String) {
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard number >= 0 else { return nil }
    self.number = number
  }

  deinit { close(number) }

  /// What `fstat` says; nil when it fails.
  var status: stat? {
    var status = stat()
    return unsafe fstat(number, &status) == 0 ? status : nil
  }
}

extension stat {
  /// The kind of the file: `S_IFREG`, `S_IFDIR`, …
  var kind: mode_t { st_mode & S_IFMT }
}
