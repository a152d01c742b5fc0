internal import Glibc

/// The temporary names under which an archive is written before it is put in its place: `.NAME.PROCESS-RANDOM.part`.
///
/// Whoever writes holds a lock on the file or folder, which the kernel takes back when the process dies, however it
/// dies. So what is not locked is left over. A process's number alone would not tell: in a container it is always the
/// same.
struct ArchiveParts {
  /// The folder in which the archive has its place; empty or ending with "/".
  private let folder: String
  private let prefix: String

  /// - Parameter place: the path of the archive, without a "/" at its end.
  init(of place: String) {
    // Beside the archive, for a move does not cross file systems; hidden.
    let start = place.utf8.lastIndex(of: UInt8(ascii: "/")).map(place.utf8.index(after:)) ?? place.startIndex
    folder = String(place[..<start])
    prefix = ".\(place[start...])."
  }

  /// A name that nobody else has.
  func newPath() -> String { "\(folder)\(prefix)\(getpid())-\(UInt32.random(in: 0 ... .max)).part" }

  /// Holds what lies under a temporary name for as long as the descriptor is open. A file system without locks gives none
  /// to whoever looks for leftovers either.
  static func lock(_ path: String) -> Descriptor? {
    guard let part = Descriptor(at: AT_FDCWD, Array(path.utf8CString), flags: O_NOFOLLOW),
      flock(part.number, LOCK_EX | LOCK_NB) == 0
    else { return nil }
    return part
  }

  /// The folder as a path that can be opened.
  private var searched: String { folder.isEmpty ? "." : folder }

  private func directory() -> Descriptor? {
    Descriptor(at: AT_FDCWD, Array(searched.utf8CString), flags: O_DIRECTORY)
  }

  /// Returns when the names in the folder are on disk.
  func synchronize() throws(ArchiveWriteError) {
    guard let directory = directory() else {
      // One may be allowed to write into a folder and not to read it.
      if errno == EACCES { return }
      throw Self.failed(searched)
    }
    // Some network and FUSE file systems know no such thing for a directory, and order it themselves.
    guard fsync(directory.number) == 0 || errno == EINVAL else { throw Self.failed(searched) }
  }

  /// Removes what nobody writes any more.
  func removeLeftovers() throws(ArchiveWriteError) {
    guard let directory = directory() else {
      if errno == ENOENT { return }
      throw Self.failed(searched)
    }
    guard let listing = DirectoryListing(at: directory.number, cString(Array(".".utf8))) else {
      throw Self.failed(searched)
    }
    var parts: [String] = []
    do throws(InputError) {
      while let (name, _) = try listing.next(searched) { parts.append(String(decoding: name, as: UTF8.self)) }
    } catch {
      throw .failed(path: searched, detail: "\(error)")
    }
    for name in parts where isPart(name) && isLeftOver(name, in: directory.number) {
      FolderWriter.remove(folder + name)
      guard unsafe access(folder + name, F_OK) != 0 else {
        throw .failed(path: folder + name, detail: "it is left over, and cannot be removed")
      }
    }
  }

  private func isPart(_ name: String) -> Bool {
    guard name.utf8.starts(with: prefix.utf8) else { return false }
    let mark = name.utf8.dropFirst(prefix.utf8.count).split(
      separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard mark.count == 2, mark[1].elementsEqual("part".utf8) else { return false }
    let numbers = mark[0].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return numbers.count == 2 && numbers.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48..<58).contains($0) } }
  }

  /// Whether nobody holds it. What cannot be opened is another user's.
  private func isLeftOver(_ name: String, in directory: Int32) -> Bool {
    guard let part = Descriptor(at: directory, Array(name.utf8CString), flags: O_NOFOLLOW) else { return false }
    return flock(part.number, LOCK_EX | LOCK_NB) == 0
  }

  private static func failed(_ path: String) -> ArchiveWriteError {
    .failed(path: path, detail: systemMessage(errno))
  }
}
