internal import BSON
internal import CMongo

/// The server's answer to a bulk write.
struct BulkAnswer {
  /// An operation that was refused.
  struct Refusal {
    let index: Int
    let code: UInt32
    let message: String
  }

  private(set) var matched = 0
  private(set) var removed = 0
  private(set) var refusals: [Refusal] = []

  /// - Parameters:
  ///   - bytes: of the reply.
  ///   - error: what libmongoc makes of it, when anything failed.
  /// - Throws: what makes the whole answer worthless, above all a server that went away.
  init(_ bytes: [UInt8], error: bson_error_t?) throws(MongoFailure) {
    let fault: BSONFault? = bytes.withView { view in
      do throws(BSONFault) {
        try self.read(BSONDocument(view))
        return nil
      } catch {
        return error
      }
    }
    guard let error else {
      if let fault { throw MongoFailure("the server's answer has \(fault)") }
      return
    }
    let failure = bytes.withView { MongoFailure(error, reply: try? BSONDocument($0)) }
    if failure.kind == .transient || fault != nil || refusals.isEmpty { throw failure }
    if concernFailed { throw MongoFailure(failure.message, kind: .transient, code: failure.code) }
    // No word about the operation, but about the server.
    for refusal in refusals {
      let kind = MongoFailure.kind(of: refusal.code)
      if kind != .lasting { throw MongoFailure(refusal.message, kind: kind, code: refusal.code) }
    }
  }

  /// Whether what was written may not be on a majority of the servers.
  private var concernFailed = false

  private mutating func read(_ reply: BSONDocument) throws(BSONFault) {
    matched = Int(try reply.value("nMatched")?.integer ?? 0)
    removed = Int(try reply.value("nRemoved")?.integer ?? 0)
    concernFailed = try reply.value("writeConcernErrors")?.array?.isEmpty == false
    guard let errors = try reply.value("writeErrors")?.array else { return }
    var elements = errors.elements
    while let element = try elements.next() {
      guard let error = element.value.document else { continue }
      refusals.append(
        Refusal(
          index: Int(try error.value("index")?.integer ?? -1),
          code: UInt32(clamping: try error.value("code")?.integer ?? 0),
          message: try error.value("errmsg")?.string?.string ?? "refused"))
    }
  }
}
