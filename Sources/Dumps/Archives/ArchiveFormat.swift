/// How the files of an archive are put away, told by the archive's name.
enum ArchiveFormat: CaseIterable {
  case folder, tar, tarGzip, tarZstd, tarXz, tarBzip2, zip, sevenZip

  /// What the archive's name ends with; a folder's has no extension.
  var suffix: String {
    switch self {
    case .folder: ""
    case .tar: ".tar"
    case .tarGzip: ".tar.gz"
    case .tarZstd: ".tar.zst"
    case .tarXz: ".tar.xz"
    case .tarBzip2: ".tar.bz2"
    case .zip: ".zip"
    case .sevenZip: ".7z"
    }
  }

  /// The usual short form of a suffix, where there is one.
  private var shortSuffix: String? {
    switch self {
    case .tarGzip: ".tgz"
    case .tarZstd: ".tzst"
    case .tarXz: ".txz"
    case .tarBzip2: ".tbz2"
    case .folder, .tar, .zip, .sevenZip: nil
    }
  }

  /// All that the name of such an archive may end with.
  private var suffixes: [String] { self == .folder ? [] : [suffix, shortSuffix].compactMap(\.self) }

  /// The format of an archive to be written at `path`.
  ///
  /// - Throws: `.unknownExtension`.
  init(path: String) throws(ArchiveWriteError) {
    let name = path.hasSuffix("/") ? "" : path.split(separator: "/").last.map(String.init) ?? path
    // A leading dot hides a file, and "." and ".." are folders.
    if !name.drop(while: { $0 == "." }).contains(".") {
      self = .folder
    } else if let format = Self.allCases.first(where: { $0.suffixes.contains(where: name.hasSuffix) }) {
      self = format
    } else {
      throw .unknownExtension(path: path, known: Self.allCases.flatMap(\.suffixes))
    }
  }
}
