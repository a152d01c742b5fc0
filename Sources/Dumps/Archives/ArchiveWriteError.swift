/// Why an archive cannot be written.
public enum ArchiveWriteError: Error, Sendable, Hashable {
  /// The name of the archive says nothing of its format; `known` are the extensions that do.
  case unknownExtension(path: String, known: [String])
  /// A folder is to be written where one is already that holds something.
  case exists(path: String)
  /// A name inside the archive that is empty, absolute, or leads out of it by "..".
  case unsafeName(String)
  /// The system or libarchive failed; `detail` is their message.
  case failed(path: String, detail: String)
}

extension ArchiveWriteError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownExtension(let path, let known):
      "cannot tell the format of \(path): give it no extension (a folder) or one of \(known.joined(separator: ", "))"
    case .exists(let path): "cannot write \(path): it exists and is not empty"
    case .unsafeName(let name): "cannot put \"\(name)\" into an archive: the name is empty or leads out of it"
    case .failed(let path, let detail): "cannot write \(path): \(detail)"
    }
  }
}
