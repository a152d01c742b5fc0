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
  /// Takes time by the number of documents rather than by their bytes: nested ones are stepped over, and what is stepped
  /// over is not even mapped.
  ///
  /// - Parameter body: is handed each document's offset in the file and its identity, which is valid for the call.
  /// - Throws: ``StoreError/refused(path:offset:why:)`` at the first byte that is not as it should be.
  func walkDocuments(
    _ schema: CollectionSchema, _ body: (_ offset: Int, _ identity: DocumentIdentity?) throws(StoreError) -> Void
  ) throws(StoreError) {
    var steps = DocumentSteps(schema)
    var offset = 0
    var discarded = 0
    // Documents are about as long as the ones before them.
    var isLong = false
    while offset < bytes.count {
      let length: Int
      if isLong, let step = try steps.step(over: offset, in: self) {
        length = step.length
        try body(offset, step.identity)
      } else {
        let document = try document(at: offset)
        length = document.bytes.count
        try body(offset, try identity(of: document, schema, at: offset))
      }
      offset += length
      isLong = length >= DocumentSteps.shortest
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

/// Steps over long documents and reads of each as little as tells that it is well-formed at its top level.
///
/// To map their pages can cost several times as much as to read the few bytes of them that matter here.
private struct DocumentSteps: ~Copyable {
  /// How long documents are for which that pays, in bytes.
  static let shortest = 8 << 10

  /// A document that is as it should be.
  struct Step {
    /// In bytes.
    let length: Int
    /// Valid until the next step.
    let identity: DocumentIdentity?
  }

  private let schema: CollectionSchema
  /// Where a document begins; its identity is looked for nowhere else.
  private var head = FileWindow()
  /// Somewhere in it.
  private var inside = FileWindow()

  init(_ schema: CollectionSchema) { self.schema = schema }

  /// Looks at the document that begins at `offset`.
  ///
  /// - Returns: nil where it is not as most are, for better or worse: then all of it has to be looked at.
  mutating func step(over offset: Int, in file: MappedFile) throws(StoreError) -> Step? {
    var view = try head.bytes(at: offset, of: file)
    guard view.count >= 5 else { return nil }
    let length = Int(view.load(0, as: Int32.self))
    guard 5...longestDocument ~= length, length <= file.status.size - offset else { return nil }
    var fields = IdentityFields(schema)
    // Where in the document `view` begins. As in a document, the first element in it stands behind four bytes.
    var first = 0
    while true {
      view = view.slice(0, min(view.count, length - first))
      var elements = BSONDocument(unchecked: view).elements
      // The element with which the view is cut off seems to reach past its document.
      while let element = try? elements.next() { if first == 0 { fields.take(element) } }
      if first + elements.position == length - 1 {
        guard view[elements.position] == 0, let identity = fields.identity else { return nil }
        return Step(length: length, identity: identity)
      }
      let end = view.endOfContainer(at: elements.position)
      let next = end ?? elements.position
      guard next > 4, first + next < length else { return nil }
      first += next - 4
      view = try inside.bytes(at: offset + first, of: file)
      guard view.count >= 5, end == nil || view[3] == 0 else { return nil }
    }
  }
}

extension ByteView {
  /// Where the document or array ends which is the element at `start`; nil when it is none, or its length lies outside.
  fileprivate func endOfContainer(at start: Int) -> Int? {
    guard start < count, [BSONType.document, .array].contains(BSONType(rawValue: self[start])) else { return nil }
    guard let key = (start + 1..<count).first(where: { self[$0] == 0 }), key + 5 <= count else { return nil }
    let length = Int(load(key + 1, as: Int32.self))
    return length >= 5 ? key + 1 + length : nil
  }
}

/// Some bytes of a file that are read rather than mapped.
///
/// Safe although it holds a pointer: what it points to is freed with it, and views of it are said to hold until the next
/// call.
@safe private struct FileWindow: ~Copyable {
  /// Most of what is looked at is shorter by far, and the system copies all that is asked for: windows of 4 KiB took half
  /// as long again.
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 8)

  deinit { unsafe buffer.deallocate() }

  /// What stands in the file from `offset` on, as far as the window goes.
  ///
  /// - Returns: a view that holds until the next call.
  mutating func bytes(at offset: Int, of file: MappedFile) throws(StoreError) -> ByteView {
    let count = try unsafe file.file.read(into: buffer, at: offset)
    return unsafe ByteView(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }
}

/// The fields of a document that tell it from others.
private struct IdentityFields {
  private let keyName: ByteView
  private let subkeyName: ByteView?
  private var keyValue: BSONValue?
  private var subkeyValue: BSONValue?

  init(_ schema: CollectionSchema) {
    keyName = ByteView(schema.key)
    subkeyName = schema.subkey.map { ByteView($0) }
  }

  mutating func take(_ element: BSONElement) {
    if keyValue == nil, element.key == keyName {
      keyValue = element.value
    } else if subkeyValue == nil, let subkeyName, element.key == subkeyName {
      subkeyValue = element.value
    }
  }

  var key: ByteView? { keyValue?.string }

  /// What they say; nil where one of them is missing.
  var identity: DocumentIdentity? { key.flatMap { identity(key: $0) } }

  func identity(key: ByteView) -> DocumentIdentity? {
    guard subkeyName != nil else { return DocumentIdentity(key: key, subkey: nil) }
    return subkeyValue?.string.map { DocumentIdentity(key: key, subkey: $0) }
  }
}

extension BSONDocument {
  /// What tells the document from others, after a look at every element of the top level; nil when it does not say.
  func checkedIdentity(_ schema: CollectionSchema) throws(BSONFault) -> DocumentIdentity? {
    var fields = IdentityFields(schema)
    var elements = self.elements
    while let element = try elements.next() { fields.take(element) }
    return (fields.key ?? (schema.isOwn ? nil : idAsKey)).flatMap { fields.identity(key: $0) }
  }
}
