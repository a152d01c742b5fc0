/// The names of a collection's files, in the layout of `mongodump`.
struct CollectionFiles: Sendable {
  let directory: String
  let collection: String

  /// The documents, one after another.
  var data: String { "\(directory)/\(collection).bson" }
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
