internal import Glibc

/// Makes a folder and those above it.
func makeFolder(_ path: String) throws(GeneratorError) {
  guard !path.isEmpty, unsafe mkdir(path, 0o755) != 0, errno != EEXIST else { return }
  let code = errno
  guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
    throw .inputOutput(path: path, operation: "make the folder", code: code)
  }
  try makeFolder(String(path[..<slash]))
  if unsafe mkdir(path, 0o755) != 0 && errno != EEXIST {
    throw .inputOutput(path: path, operation: "make the folder", code: errno)
  }
}

/// Makes the folder that output goes to; refuses one that holds anything.
func makeEmptyFolder(_ path: String) throws(GeneratorError) {
  try makeFolder(path)
  guard let folder = unsafe opendir(path) else {
    throw .inputOutput(path: path, operation: "read the folder", code: errno)
  }
  defer { unsafe closedir(folder) }
  var entries = 0
  while unsafe readdir(folder) != nil { entries += 1 }
  // `.` and `..` are always there.
  if entries > 2 { throw .notEmpty(path: path) }
}

/// The bytes of a file.
func size(of path: String) throws(GeneratorError) -> Int {
  var status = stat()
  guard unsafe stat(path, &status) == 0 else {
    throw .inputOutput(path: path, operation: "read the size of", code: errno)
  }
  return Int(status.st_size)
}

/// Cuts a file off after so many bytes, as a full disk or a broken transfer does.
func cut(_ path: String, to count: Int) throws(GeneratorError) {
  guard unsafe truncate(path, count) == 0 else {
    throw .inputOutput(path: path, operation: "cut the file", code: errno)
  }
}

/// Gives a file its time, in ms since 1970: a reader takes it for the time of the export.
func setTime(of path: String, to time: Int64) throws(GeneratorError) {
  let moment = timespec(tv_sec: Int(time / 1000), tv_nsec: Int(time % 1000) * 1_000_000)
  guard unsafe utimensat(AT_FDCWD, path, [moment, moment], 0) == 0 else {
    throw .inputOutput(path: path, operation: "set the time of the file", code: errno)
  }
}
