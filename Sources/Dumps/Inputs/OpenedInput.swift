internal import Glibc

/// An input that the system lets us read.
enum OpenedInput {
  case file(InputFile)
  case directory(DirectoryWalk)

  /// Opens the file or directory at `path`; a link is followed.
  init(_ path: String) throws(InputError) {
    let cPath = path.utf8CString
    guard let descriptor = Descriptor(at: AT_FDCWD, Array(cPath)), let status = descriptor.status else {
      throw .last(path)
    }
    switch status.kind {
    case S_IFDIR: self = .directory(DirectoryWalk(descriptor, path: path))
    case S_IFREG: self = .file(InputFile(descriptor, status: status, path: path))
    default: throw .neitherFileNorDirectory(path: path)
    }
  }
}
