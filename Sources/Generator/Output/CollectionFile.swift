internal import BSON
internal import Stores

/// A collection in `mongodump`'s layout: its documents one after another, its indexes in a file beside them.
struct CollectionFile: ~Copyable {
  private var file: OutputFile
  private(set) var documents = 0
  private let folder: String
  private let name: String

  init(_ name: String, in folder: String) throws(GeneratorError) {
    self.name = name
    self.folder = folder
    file = try OutputFile("\(folder)/\(name).bson")
  }

  var byteCount: Int { file.count }

  mutating func append(_ document: ByteView) throws(GeneratorError) {
    try file.write(document)
    documents += 1
  }

  /// - Parameter indexes: besides the one over `_id`.
  consuming func finish(indexes: [IndexSchema], at time: Int64) throws(GeneratorError) {
    var metadata = try OutputFile("\(folder)/\(name).metadata.json")
    try metadata.write(Array(CollectionMetadata(name, indexes: indexes).json { "\($0)" }.utf8))
    try metadata.finish(modifiedAt: time)
    try file.finish(modifiedAt: time)
  }
}
