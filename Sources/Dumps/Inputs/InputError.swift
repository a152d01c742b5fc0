internal import Glibc

/// An input that the system does not let us read. It is no fault of the data: nothing can be quarantined, and
/// the run fails.
public enum InputError: Error, Sendable, Hashable {
  /// The system refused to open or to read `path`; `code` is the errno.
  case unreadable(path: String, code: Int32)
  /// `path` is neither a regular file nor a directory: a FIFO, a socket or a device, which may never end.
  case neitherFileNorDirectory(path: String)

  /// The error of the system call that has just failed on `path`.
  static func last(_ path: String) -> InputError { .unreadable(path: path, code: errno) }
}

extension InputError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let path, let code): "cannot read \(path): \(systemMessage(code))"
    case .neitherFileNorDirectory(let path): "cannot read \(path): neither a regular file nor a directory"
    }
  }
}

/// The system's words for an errno, e.g. "No such file or directory".
func systemMessage(_ code: Int32) -> String {
  // strerror gives NULL for no code, and since glibc 2.32 its buffer belongs to the calling thread; the text is
  // copied before anything else can be called.
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}
