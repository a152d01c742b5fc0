/// Where the dumps of one file or entry come from, and what its path tells of them.
struct Place {
  /// The path inside the input, as it is shown; nil when the input is itself the file.
  let entry: String?
  /// In ms since 1970.
  let modifiedAt: Int64?
  /// The bytes of the file or, as the archive says, of the entry; nil when unknown.
  let size: Int?
  /// The user that the path names; it need not be UTF-8.
  let user: [UInt8]?
  /// What the name promises; nil when it is no name of a dump.
  let kind: DumpName.Kind?

  /// - Parameter components: the parts of the path, relative to the directory or archive that the file lies in.
  init(_ components: [[UInt8]], entry: String?, modifiedAt: Int64?, size: Int?) {
    self.entry = entry
    self.modifiedAt = modifiedAt
    self.size = size
    user = DumpName.user(of: components)
    kind = components.last.flatMap { DumpName.kind(of: $0) }
  }
}
