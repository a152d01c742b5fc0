/// What `mongorestore` reads beside the documents, to make the collection's indexes.
package struct CollectionMetadata {
  private let collection: String
  private let indexes: [IndexSchema]

  /// - Parameter indexes: besides the one over `_id`.
  package init(_ collection: String, indexes: [IndexSchema]) { (self.collection, self.indexes) = (collection, indexes) }

  init(_ schema: CollectionSchema) { self.init(schema.name, indexes: schema.indexes) }

  /// The file's content in the form of `mongodump`: one line of Extended JSON.
  ///
  /// - Parameter number: how a number is written.
  package func json(_ number: (Int) -> String = Self.canonical) -> String {
    let id = #"{"v":\#(number(2)),"key":{"_id":\#(number(1))},"name":"_id_"}"#
    let all = [id] + indexes.map { $0.metadata(number) }
    return #"{"options":{},"indexes":[\#(all.joined(separator: ","))],"#
      + #""collectionName":"\#(collection)","type":"collection"}"#
  }

  /// A number that names its type.
  package static func canonical(_ number: Int) -> String { #"{"$numberInt":"\#(number)"}"# }

  /// Writes the file, unless there is one: what a dump brought along is kept as it is.
  ///
  /// - Returns: whether it was written.
  func write(_ files: CollectionFiles) throws(StoreError) -> Bool {
    if try FileStatus.of(files.metadata) != nil { return false }
    let partial = try PartialFile(files.partialMetadata, replacing: nil)
    try partial.append([UInt8](json().utf8))
    try partial.synchronize()
    try partial.replace(files.metadata)
    return true
  }
}

// Names are the program's own and need no escapes.
extension IndexSchema {
  /// As the server is asked for it, in JSON: one that compares texts by their bytes, whatever the collection's own
  /// collation is. The server says nothing of that where it lists indexes, nor does `mongodump`.
  package var json: String { "{" + members { "\($0)" } + #","collation":{"locale":"simple"}}"# }

  /// As `mongodump` writes it.
  package func metadata(_ number: (Int) -> String = CollectionMetadata.canonical) -> String {
    #"{"v":\#(number(2)),"# + members(number) + "}"
  }

  private func members(_ number: (Int) -> String) -> String {
    let key = fields.map { #""\#($0)":\#(number(1))"# }.joined(separator: ",")
    let unique = isUnique ? #","unique":true"# : ""
    let expiry = expireAfterSeconds.map { #","expireAfterSeconds":\#(number($0))"# } ?? ""
    return #""key":{\#(key)},"name":"\#(name)"\#(unique)\#(expiry)"#
  }
}
