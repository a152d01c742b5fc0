internal import BSON

/// A collection in `mongodump`'s layout: its documents one after another, its indexes in a file beside them.
struct CollectionFile: ~Copyable {
  private var file: OutputFile
  private(set) var documents = 0
  private let folder: String
  private let name: String

  struct Index {
    let field: String
    var isUnique = false
  }

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

  consuming func finish(indexes: [Index], at time: Int64) throws(GeneratorError) {
    let definitions = [Index(field: "_id")] + indexes
    var text = GeneratedJSON()
    text.beginObject()
    text.key("options")
    text.raw("{}")
    text.key("indexes")
    text.beginArray()
    for index in definitions {
      text.beginObject()
      text.key("v")
      text.integer(2)
      text.key("key")
      text.beginObject()
      Array(index.field.utf8).withView { text.key($0) }
      text.integer(1)
      text.endObject()
      text.key("name")
      text.string(index.field == "_id" ? "_id_" : index.field + "_1")
      if index.isUnique {
        text.key("unique")
        text.bool(true)
      }
      text.endObject()
    }
    text.endArray()
    text.key("collectionName")
    text.string(name)
    text.key("type")
    text.string("collection")
    text.endObject()

    var metadata = try OutputFile("\(folder)/\(name).metadata.json")
    try metadata.write(text.bytes)
    try metadata.finish(modifiedAt: time)
    try file.finish(modifiedAt: time)
  }
}
