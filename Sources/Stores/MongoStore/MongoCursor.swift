internal import BSON
internal import CMongo

/// What to find, and how.
struct MongoQuery {
  /// As bytes of a document.
  var filter: [UInt8]
  /// `sort`, `projection`, `batchSize`, `readConcern`, … as bytes of a document.
  var options: [UInt8]
  /// Ask the primary, whatever the address says.
  var asksPrimary = false
}

/// The owner of one cursor and of the client that it works on.
///
/// Safe although it holds a C handle: this value cannot be copied, `deinit` frees the cursor once, and only then does
/// the client go back, for a value's parts outlive its `deinit`.
@safe struct MongoCursor: ~Copyable {
  private let pointer: OpaquePointer
  private let client: LeasedClient

  /// A cursor over the documents of a collection; the server is asked at the first ``next()``.
  init(
    _ client: consuming LeasedClient, _ query: MongoQuery, in collection: String, of database: String
  ) throws(MongoFailure) {
    let cursor = unsafe query.filter.withUnsafeBufferPointer { filter in
      unsafe query.options.withUnsafeBufferPointer { options in
        unsafe mixdown_find(
          client.pointer, database, collection, filter.baseAddress, filter.count, options.baseAddress, options.count,
          query.asksPrimary)
      }
    }
    guard let cursor = unsafe cursor else { throw MongoFailure("a query that is no document") }
    unsafe pointer = cursor
    self.client = client
  }

  /// The cursor that a command answers with: `aggregate`, `listIndexes`, `listCollections`.
  init(_ client: consuming LeasedClient, command: BSONDocument, on database: String) throws(MongoFailure) {
    var error = bson_error_t()
    let cursor = unsafe command.bytes.withUnsafeBytes { bytes in
      unsafe mixdown_command_cursor(
        client.pointer, database, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &error)
    }
    guard let cursor = unsafe cursor else { throw MongoFailure(error) }
    unsafe pointer = cursor
    self.client = client
  }

  deinit { unsafe mongoc_cursor_destroy(pointer) }

  /// The next document, or nil at the end. Its view holds until the next call.
  mutating func next() throws(MongoFailure) -> BSONDocument? {
    var bytes: UnsafePointer<UInt8>? = nil
    var count: UInt32 = 0
    guard unsafe mixdown_cursor_next(pointer, &bytes, &count) else {
      var error = bson_error_t()
      if unsafe mongoc_cursor_error(pointer, &error) { throw MongoFailure(error) }
      return nil
    }
    let view = unsafe ByteView(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    do throws(BSONFault) {
      return try BSONDocument(view)
    } catch {
      throw MongoFailure("the server sent \(error)")
    }
  }
}
