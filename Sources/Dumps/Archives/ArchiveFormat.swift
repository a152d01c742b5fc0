/// How the files of an archive are put away, told by the archive's name.
enum ArchiveFormat: CaseIterable {
  case folder, tar, tarGzip, tarZstd, tarXz, zip, sevenZip

  /// What the archive's name ends with; a folder's has no extension.
  var suffix: String {
    switch self {
    case .folder: ""
    case .tar: ".tar"
    case .tarGzip: ".tar.gz"
    case .tarZstd: ".tar.zst"
    case .tarXz: ".tar.xz"
    case .zip: ".zip"
    case .sevenZip: ".7z"
    }
  }

  /// The format of an archive to be written at `path`.
  ///
  /// - Throws: `.unknownExtension`.
  init(path: String) throws(ArchiveWriteError) {
    let name = path.hasSuffix("/") ? "" : path.split(separator: "/").last.map(String.init) ?? path
    // A leading dot hides a file, and "." and ".." are folders.
    if !name.drop(while: { $0 == "." }).contains(".") {
      self = .folder
    } else if let format = Self.allCases.first(where: { $0 != .folder && name.hasSuffix($0.suffix) }) {
      self = format
    } else {
      throw .unknownExtension(path: path, known: Self.allCases.map(\.suffix).filter { !$0.isEmpty })
    }
  }
}
