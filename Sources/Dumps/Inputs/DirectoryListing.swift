internal import Glibc

/// The names in one directory, in the system's order.
///
/// Safe although it holds a C handle: the handle is made in `init`, this value cannot be copied, and `deinit`
/// frees it once.
@safe struct DirectoryListing: ~Copyable {
  private let handle: OpaquePointer

  /// Opens the directory at `path`, relative to the open directory `parent`; a link is not followed.
  ///
  /// - Parameter path: as the system has it, with its zero byte.
  /// - Returns: nil when the system refuses; `errno` says why.
  init?(at parent: Int32, _ path: [CChar]) {
    let flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW
    let number = unsafe openat(parent, path, flags)
    guard number >= 0 else { return nil }
    guard let handle = unsafe fdopendir(number) else {
      close(number)
      return nil
    }
    unsafe self.handle = handle
  }

  deinit { unsafe closedir(handle) }

  /// The next name, without "." and "..", as the system has it; nil at the end.
  ///
  /// - Parameter path: the directory's, for the error.
  func next(_ path: String) throws(InputError) -> (name: [UInt8], isDirectory: Bool)? {
    while true {
      errno = 0
      guard let entry = unsafe readdir(handle) else {
        if errno != 0 { throw .last(path) }
        return nil
      }
      // The system's record is only as long as its name: it is read in place, not copied as a whole `dirent`.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        let text = unsafe UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
      }
      if name == Array(".".utf8) || name == Array("..".utf8) { continue }
      return unsafe (name, isDirectory(entry.pointee.d_type, cString(name)))
    }
  }

  /// Whether a name is a directory itself, not a link to one. Some file systems do not say in the listing.
  private func isDirectory(_ type: UInt8, _ name: [CChar]) -> Bool {
    guard type == UInt8(DT_UNKNOWN) else { return type == UInt8(DT_DIR) }
    var status = stat()
    return unsafe fstatat(dirfd(handle), name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.kind == S_IFDIR
  }
}

/// A path as the system takes it: its bytes and a zero byte.
func cString(_ path: [UInt8]) -> [CChar] { path.map { CChar(bitPattern: $0) } + [0] }
