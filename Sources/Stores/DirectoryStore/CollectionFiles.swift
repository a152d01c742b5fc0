internal import FoundationEssentials
internal import Glibc

/// The names of a collection's files, in the layout of `mongodump`.
struct CollectionFiles: Sendable {
  let directory: String
  let collection: String

  /// The documents, one after another.
  var data: String { "\(directory)/\(collection).bson" }
  /// The documents as `mongodump --gzip` writes them, which nobody reads here.
  var compressedData: String { data + ".gz" }
  /// Options and indexes.
  var metadata: String { "\(directory)/\(collection).metadata.json" }

  /// What will be ``data``.
  var partialData: String { data + ".partial" }
  /// What will be ``metadata``.
  var partialMetadata: String { metadata + ".partial" }
  /// Documents that wait for their order.
  var changes: String { data + ".changes" }

  /// All that is there only while a run writes.
  var temporary: [String] { [partialData, partialMetadata, changes] }
}

extension CollectionFiles {
  /// The content of ``metadata``; nil when there is none.
  func readMetadata() throws(StoreError) -> [UInt8]? {
    guard let status = try FileStatus.of(metadata) else { return nil }
    return try PosixFile(metadata, O_RDONLY | O_NONBLOCK).read(upTo: status.size, at: 0)
  }

  /// What is said of metadata that nobody can read.
  var unreadableMetadata: StoreError {
    .refused(
      path: metadata, offset: 0,
      why: "no JSON object, as mongodump writes it; where there is no such file, a run makes it")
  }

  /// Refuses a collection whose documents are there compressed: it would count as one without any, and where others lie
  /// beside them, nobody knows which are meant.
  func checkUncompressed() throws(StoreError) {
    guard try FileStatus.of(compressedData) != nil else { return }
    let isDouble = try FileStatus.of(data) != nil
    let what = isDouble ? "remove it, or put its content in the place of \(collection).bson" : "unpack it with gunzip"
    let why = "compressed, as mongodump --gzip writes it, and no run reads that; \(what), or dump without --gzip"
    throw .refused(path: compressedData, offset: 0, why: why)
  }

  /// Refuses files that must not be replaced, for whoever is about to write: a link, for what it leads to would stay as
  /// it was without anybody's noticing, what ``checkUncompressed()`` refuses, and metadata that a later `mongorestore`
  /// could not read.
  ///
  /// What the metadata say is not looked at: a newer `mongodump` may say more.
  func checkReplaceable() throws(StoreError) {
    for path in [data, metadata] where try FileStatus.isLink(path) {
      let why =
        "a symbolic link, and a run would put a file in its place; put the file itself here, or make the whole folder "
        + "a link"
      throw .refused(path: path, offset: 0, why: why)
    }
    try checkUncompressed()
    guard let json = try readMetadata() else { return }
    if (try? JSONDecoder().decode([String: AnyJSON].self, from: Data(json))) == nil { throw unreadableMetadata }
  }
}

/// A value of JSON, whatever it is.
private struct AnyJSON: Decodable {
  init(from decoder: any Decoder) {}
}
