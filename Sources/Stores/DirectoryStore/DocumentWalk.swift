internal import BSON

/// The longest document that is taken, in bytes: MongoDB's 16 MiB for a user's, and the 16 KiB that it allows itself
/// on top.
let longestDocument = (16 << 20) + (16 << 10)

extension MappedFile {
  /// How much of a file that is walked may be in the process's memory at once, in bytes.
  static var window: Int { 32 << 20 }

  /// Reads the file as documents one after another, and trusts none of them: each must lie in the file, be well-formed
  /// at its top level and have its key, a string.
  ///
  /// In a collection that is another program's a document may lack it.
  ///
  /// Takes time by the number of documents rather than by their bytes: nested ones are stepped over.
  ///
  /// - Parameter body: is handed each document's offset in the file and its identity.
  /// - Throws: ``StoreError/refused(path:offset:why:)`` at the first byte that is not as it should be.
  func walkDocuments(
    _ schema: CollectionSchema, _ body: (_ offset: Int, _ identity: DocumentIdentity?) throws(StoreError) -> Void
  ) throws(StoreError) {
    var offset = 0
    var discarded = 0
    while offset < bytes.count {
      let document = try document(at: offset)
      try body(offset, try identity(of: document, schema, at: offset))
      offset += document.bytes.count
      if offset - discarded >= Self.window {
        discard(discarded..<offset)
        discarded = offset
      }
    }
    // From the very start: to tell documents apart, `body` may have looked again at some that lie behind.
    discard(0..<offset)
  }

  /// The document that begins at `offset`, of which nothing but length and terminator is checked.
  private func document(at offset: Int) throws(StoreError) -> BSONDocument {
    let left = bytes.count - offset
    guard left >= 4 else {
      throw .refused(path: file.path, offset: Int64(offset), why: "\(left) bytes where a document should begin")
    }
    let length = Int(bytes.load(offset, as: Int32.self))
    guard 5...longestDocument ~= length else {
      throw .refused(path: file.path, offset: Int64(offset), why: "\(length) bytes is no length of a document")
    }
    guard length <= left else {
      let why = "a document of \(length) bytes is cut off after \(left)"
      throw .refused(path: file.path, offset: Int64(offset), why: why)
    }
    guard bytes[offset + length - 1] == 0 else {
      throw .refused(path: file.path, offset: Int64(offset + length - 1), why: "a document without its terminator")
    }
    return BSONDocument(unchecked: bytes.slice(offset, length))
  }

  private func identity(
    of document: BSONDocument, _ schema: CollectionSchema, at offset: Int
  ) throws(StoreError) -> DocumentIdentity? {
    do throws(BSONFault) {
      if let identity = try document.checkedIdentity(schema) { return identity }
    } catch {
      throw .refused(path: file.path, offset: Int64(offset + error.offset), why: error.what)
    }
    guard schema.isOwn else { return nil }
    let fields = schema.subkey.map { "\(schema.key) or \($0)" } ?? "\(schema.key)"
    throw .refused(path: file.path, offset: Int64(offset), why: "a document without a string \(fields)")
  }
}

extension BSONDocument {
  /// What tells the document from others, after a look at every element of the top level; nil when it does not say.
  func checkedIdentity(_ schema: CollectionSchema) throws(BSONFault) -> DocumentIdentity? {
    var key: BSONValue?
    var subkey: BSONValue?
    let (keyName, subkeyName) = (ByteView(schema.key), schema.subkey.map { ByteView($0) })
    var elements = self.elements
    while let element = try elements.next() {
      if key == nil, element.key == keyName {
        key = element.value
      } else if subkey == nil, let subkeyName, element.key == subkeyName {
        subkey = element.value
      }
    }
    guard let key = key?.string ?? (schema.isOwn ? nil : idAsKey) else { return nil }
    guard subkeyName != nil else { return DocumentIdentity(key: key, subkey: nil) }
    return subkey?.string.map { DocumentIdentity(key: key, subkey: $0) }
  }
}
