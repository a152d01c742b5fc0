package import Glibc

/// Makes a directory and those above it that do not exist; does nothing when it is there.
package func makeDirectory(_ path: String, mode: mode_t = 0o777) throws(StoreError) {
  if try FileStatus.of(path) != nil { return }
  let parent = parentDirectory(of: path)
  if parent != path { try makeDirectory(parent, mode: mode) }
  do throws(StoreError) {
    try system("create the directory", path) { unsafe mkdir(path, mode) }
  } catch .inputOutput(_, _, EEXIST) {
    // Somebody else was faster.
  }
  try synchronizeDirectory(parent)
}

/// Returns when the names in a directory are on disk: files made, renamed and removed.
package func synchronizeDirectory(_ path: String) throws(StoreError) {
  let directory = try PosixFile(path, O_RDONLY | O_DIRECTORY)
  do throws(StoreError) {
    try directory.synchronize()
  } catch .inputOutput(_, _, EINVAL) {
    // Some network and FUSE file systems know no such thing for a directory, and order it themselves.
  }
}

/// The directory in which this name stands: what is before its last slash, `.` for one without a slash.
package func parentDirectory(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Removes a file if that can be done.
package func removeFile(_ path: String) { _ = unsafe unlink(path) }
