/// What `mongorestore` reads beside the documents, to make the collection's indexes.
struct CollectionMetadata {
  let schema: CollectionSchema

  init(_ schema: CollectionSchema) { self.schema = schema }

  /// The file's content in the form of `mongodump`: one line of canonical Extended JSON.
  ///
  /// Names are the program's own and need no escapes.
  var json: String {
    let one = #"{"$numberInt":"1"}"#
    let list = schema.indexes.map { index in
      let key = index.fields.map { #""\#($0)":\#(one)"# }.joined(separator: ",")
      let unique = index.isUnique ? #""unique":true,"# : ""
      let expiry = index.expireAfterSeconds.map { #""expireAfterSeconds":{"$numberInt":"\#($0)"},"# } ?? ""
      return #"{"v":{"$numberInt":"2"},\#(unique)\#(expiry)"key":{\#(key)},"name":"\#(index.name)"}"#
    }
    let all = [#"{"v":{"$numberInt":"2"},"key":{"_id":\#(one)},"name":"_id_"}"#] + list
    return #"{"options":{},"indexes":[\#(all.joined(separator: ","))],"#
      + #""collectionName":"\#(schema.name)","type":"collection"}"#
  }

  /// Writes the file, unless there is one: what a dump brought along is kept as it is.
  ///
  /// - Returns: whether it was written.
  func write(_ files: CollectionFiles) throws(StoreError) -> Bool {
    if try FileStatus.of(files.metadata) != nil { return false }
    let partial = try PartialFile(files.partialMetadata, replacing: nil)
    try partial.append([UInt8](json.utf8))
    try partial.synchronize()
    try partial.replace(files.metadata)
    return true
  }
}
