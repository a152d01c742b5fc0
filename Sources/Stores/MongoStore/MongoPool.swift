internal import BSON
internal import CMongo

/// The connections to one MongoDB, for any number of threads.
///
/// Safe to share although it holds a C handle: libmongoc's pool locks itself, and its clients are lent to one owner at
/// a time. Each ``LeasedClient`` keeps the pool, so `deinit` runs when none is out.
@safe final class MongoPool: @unchecked Sendable {
  private let pointer: OpaquePointer

  /// Makes a pool; connections are made when they are needed, but an SRV record is looked up here.
  init(_ address: MongoAddress, _ options: MongoOptions, answerTimeout: Duration) throws(MongoFailure) {
    unsafe pointer = try unsafe address.withURI(options, answerTimeout: answerTimeout) {
      uri throws(MongoFailure) in
      var error = bson_error_t()
      guard let pool = unsafe mongoc_client_pool_new_with_error(uri, &error) else { throw MongoFailure(error) }
      // Codes are the server's, whatever asked.
      unsafe mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2)
      return unsafe pool
    }
  }

  deinit { unsafe mongoc_client_pool_destroy(pointer) }

  /// A client for the caller alone, until it is dropped. Waits while all of them are out.
  func lease() throws(MongoFailure) -> LeasedClient {
    guard let client = unsafe mongoc_client_pool_pop(pointer) else {
      throw MongoFailure("no connection came free", kind: .transient)
    }
    return unsafe LeasedClient(client, of: self)
  }

  fileprivate func giveBack(_ client: OpaquePointer) { unsafe mongoc_client_pool_push(pointer, client) }
}

/// A client lent by a pool, which gets it back when this value goes.
///
/// Safe although it holds a C handle: this value cannot be copied, so that the handle has one user at a time.
@safe struct LeasedClient: ~Copyable {
  /// For calls of libmongoc while this value lives.
  @unsafe let pointer: OpaquePointer
  private let pool: MongoPool

  fileprivate init(_ pointer: OpaquePointer, of pool: MongoPool) {
    unsafe self.pointer = pointer
    self.pool = pool
  }

  deinit { unsafe pool.giveBack(pointer) }

  /// Runs a command and gives the server's answer.
  func run(
    _ command: BSONDocument, on database: String, _ kind: MongoCommandKind
  ) throws(MongoFailure) -> [UInt8] {
    var reply = unsafe mixdown_reply()
    var error = bson_error_t()
    let done = unsafe command.bytes.withUnsafeBytes { bytes in
      unsafe mixdown_command(
        pointer, database, kind.forC, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &reply,
        &error)
    }
    let answer = unsafe taken(reply)
    guard done else {
      throw answer.withView { MongoFailure(error, reply: try? BSONDocument($0)) }
    }
    return answer
  }

  /// Sends operations as one unordered bulk.
  ///
  /// - Parameter operations: as ``BulkOperations`` lays them out.
  /// - Returns: the answer with counts and `writeErrors`, and what libmongoc makes of it, if anything failed.
  func bulk(
    _ operations: ByteView, into collection: String, of database: String
  ) -> (answer: [UInt8], error: bson_error_t?) {
    var reply = unsafe mixdown_reply()
    var error = bson_error_t()
    let done = unsafe operations.withUnsafeBytes { bytes in
      unsafe mixdown_bulk(
        pointer, database, collection, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &reply,
        &error)
    }
    return (unsafe taken(reply), done ? nil : error)
  }

  /// Copies a reply, and frees it.
  private func taken(_ reply: mixdown_reply) -> [UInt8] {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: reply.bytes, count: Int(reply.count)))
    if !isPlanted("leaked reply") { unsafe mixdown_reply_free(reply) }
    return bytes
  }
}

/// What a command needs of the server that it goes to.
public enum MongoCommandKind: Sendable {
  /// The primary, and no setting of the address goes with it.
  case plain
  /// The primary, with write concern majority and journal; tried twice where the server can tell.
  case write

  var forC: mixdown_command_kind {
    switch self {
    case .plain: mixdown_command_plain
    case .write: mixdown_command_write
    }
  }
}
