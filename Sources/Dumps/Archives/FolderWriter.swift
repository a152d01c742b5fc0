internal import CLinux
internal import Glibc

/// Writes files into a folder and its subfolders, which only their owner can read.
struct FolderWriter: ~Copyable {
  private let path: String
  /// Open from the beginning on: the system tells of a write that fails later to those who were there.
  private let folder: Descriptor

  /// Creates the folder at `path`, which must not exist.
  init(path: String) throws(ArchiveWriteError) {
    self.path = path
    guard unsafe mkdir(path, 0o700) == 0, let folder = Descriptor(at: AT_FDCWD, Array(path.utf8CString)) else {
      throw Self.failed(path)
    }
    self.folder = folder
  }

  /// Checks that a folder can be moved to `path`: there is nothing, or an empty folder.
  static func checkVacant(_ path: String) throws(ArchiveWriteError) {
    guard let descriptor = Descriptor(at: AT_FDCWD, Array(path.utf8CString)) else {
      if errno == ENOENT { return }
      throw failed(path)
    }
    guard descriptor.status?.kind == S_IFDIR else { throw .exists(path: path) }
    guard let listing = DirectoryListing(at: AT_FDCWD, Array(path.utf8CString)) else { throw failed(path) }
    let isEmpty: Bool
    do throws(InputError) { isEmpty = try listing.next(path) == nil } catch { throw failed(path) }
    guard isEmpty else { throw .exists(path: path) }
  }

  /// Adds a file that is not there yet.
  ///
  /// - Parameters:
  ///   - name: "/"-separated path inside the folder; subfolders are made.
  ///   - modifiedAt: ms since 1970.
  func add(name: String, contents: [UInt8], modifiedAt: Int64) throws(ArchiveWriteError) {
    let place = "\(path)/\(name)"
    try makeFolders(of: name)
    guard let file = Descriptor(creating: place) else { throw Self.failed(place) }
    var written = 0
    while written < contents.count {
      let count = unsafe contents.withUnsafeBytes { bytes in
        unsafe write(file.number, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
      }
      guard count >= 0 || errno == EINTR else { throw Self.failed(place) }
      written += max(count, 0)
    }
    let (seconds, milliseconds) = modifiedAt.quotientAndRemainder(dividingBy: 1000)
    let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(milliseconds) * 1_000_000)
    guard unsafe futimens(file.number, [time, time]) == 0 else { throw Self.failed(place) }
  }

  /// Brings all files down to the disk, with what else waits for its file system: thousands of small files one by one
  /// would take minutes.
  func finish() throws(ArchiveWriteError) {
    guard syncfs(folder.number) == 0 else { throw Self.failed(path) }
  }

  /// Removes the file or folder at `path`, with all that is in it, as far as the system lets us.
  static func remove(_ path: String) {
    guard unsafe unlink(path) != 0 else { return }
    if let listing = DirectoryListing(at: AT_FDCWD, Array(path.utf8CString)) {
      while let (name, _) = try? listing.next(path) { remove("\(path)/\(String(decoding: name, as: UTF8.self))") }
    }
    _ = unsafe rmdir(path)
  }

  private func makeFolders(of name: String) throws(ArchiveWriteError) {
    for index in name.utf8.indices where name.utf8[index] == UInt8(ascii: "/") {
      let folder = "\(path)/\(name[..<index])"
      guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw Self.failed(folder) }
    }
  }

  private static func failed(_ path: String) -> ArchiveWriteError {
    .failed(path: path, detail: systemMessage(errno))
  }
}
