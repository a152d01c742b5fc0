internal import BSON
internal import Digests
internal import Stores
internal import Synchronization

/// A file of the state folder while a run writes it: beside the one whose place it takes when the run has written
/// everything else, and removed where it does not come to that.
final class StateFile: Sendable {
  private let path: String
  private let file: Mutex<PartialFile>

  /// The path of a store's own file: runs of several stores may share a state folder, also at the same time.
  static func path(state: String, prefix: String, store: String) -> String {
    state + "/" + prefix + hexadecimal(sha256(Array(store.utf8)).prefix(8))
  }

  init(_ path: String, header: ByteView) throws(StoreError) {
    self.path = path
    let partial = try PartialFile(path + ".partial", mode: 0o600)
    try partial.append(header)
    file = Mutex(partial)
  }

  /// From any thread.
  func append(_ bytes: ByteView) throws(StoreError) {
    try file.withLock { file throws(StoreError) in try file.append(bytes) }
  }

  func commit() throws(StoreError) {
    try file.withLock { file throws(StoreError) in
      try file.synchronize()
      try file.replace(path)
    }
  }
}

/// Of which run a file of the state folder is: what the document that such a file begins with says of it.
struct RunStamp: Equatable {
  var store: String
  /// What makes the figures of two runs comparable.
  var parameters: String
  /// The run's clock, in milliseconds since 1970.
  var asOf: Int64
  /// The store's own time when the run began to read, in milliseconds since 1970.
  var watermark: Int64

  init(store: String, parameters: String, asOf: Int64, watermark: Int64) {
    (self.store, self.parameters, self.asOf, self.watermark) = (store, parameters, asOf, watermark)
  }

  /// - Returns: nil for a file of another version.
  init?(_ header: BSONDocument, version: Int32) throws(BSONFault) {
    guard try header.value("version")?.integer == Int64(version),
      let store = try header.value("store")?.string, let parameters = try header.value("parameters")?.string,
      let asOf = try header.value("as_of")?.date, let watermark = try header.value("watermark")?.date
    else { return nil }
    self.init(store: store.string, parameters: parameters.string, asOf: asOf, watermark: watermark)
  }

  /// Writes the document that a file begins with.
  ///
  /// - Parameter more: writes what else it says.
  func write(version: Int32, to writer: inout BSONWriter, _ more: (inout BSONWriter) -> Void) {
    let start = writer.open()
    writer.append("version", int32: version)
    writer.append("store", string: store)
    writer.append("parameters", string: parameters)
    writer.append("as_of", date: asOf)
    writer.append("watermark", date: watermark)
    more(&writer)
    writer.close(start)
  }
}
