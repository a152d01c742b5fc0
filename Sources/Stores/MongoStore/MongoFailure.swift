internal import BSON
internal import CMongo

/// What libmongoc or the server says of a call that failed.
///
/// Inside of the MongoDB store alone; what leaves it is a ``StoreError``, made by ``MongoDatabase``.
struct MongoFailure: Error {
  /// What kind of failure it is, as far as it decides what to do.
  enum Kind {
    /// No server, none that can be used, or one that broke off or cannot do it now: may go by itself.
    case transient
    /// Who signs in is not let in.
    case signIn
    /// The user may not do this.
    case rights
    /// Somebody ended it on the server.
    case ended
    /// The server's disk is full.
    case noRoom
    /// Anything else: the same call would fail again.
    case lasting
  }

  let kind: Kind
  /// The server's code, or libmongoc's.
  let code: UInt32
  /// Whether no server was found, for as long as one is looked for.
  let isOfSelection: Bool
  let message: String

  init(_ message: String, kind: Kind = .lasting, code: UInt32 = 0) {
    self.kind = kind
    self.code = code
    isOfSelection = false
    self.message = message
  }

  /// The one place where an error of libmongoc becomes Swift's.
  ///
  /// - Parameter reply: the server's answer, of which the labels count.
  init(_ error: bson_error_t, reply: BSONDocument? = nil) {
    var error = error
    let message = unsafe String(cString: mixdown_error_message(&error))
    code = error.code
    // The server quotes the command that it refuses, with all documents in it.
    self.message = Self.firstPart(message)
    let domain = mongoc_error_domain_t(rawValue: error.domain)
    isOfSelection = domain == MONGOC_ERROR_SERVER_SELECTION
    kind = reply?.hasLabel("RetryableWriteError") == true ? .transient : Self.kind(domain, error.code)
  }

  private static func firstPart(_ message: String) -> String {
    let end = message.firstRange(of: " to execute command {")?.lowerBound ?? message.endIndex
    return String(message[..<end].prefix(500))
  }

  // MARK: Kinds

  private static func kind(_ domain: mongoc_error_domain_t, _ code: UInt32) -> Kind {
    switch domain {
    case MONGOC_ERROR_STREAM, MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_WRITE_CONCERN, MONGOC_ERROR_POOL: .transient
    case MONGOC_ERROR_SCRAM, MONGOC_ERROR_SASL: .signIn
    case MONGOC_ERROR_CLIENT:
      switch code {
      case MONGOC_ERROR_CLIENT_NOT_READY.rawValue: .transient
      case MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue, MONGOC_ERROR_CLIENT_GETNONCE.rawValue: .signIn
      default: .lasting
      }
    case MONGOC_ERROR_PROTOCOL: code == MONGOC_ERROR_PROTOCOL_INVALID_REPLY.rawValue ? .transient : .lasting
    case MONGOC_ERROR_CURSOR: code == 43 ? .transient : .lasting
    case MONGOC_ERROR_SERVER: kind(of: code)
    default: .lasting
    }
  }

  /// What the server's codes say.
  static func kind(of code: UInt32) -> Kind {
    switch code {
    // It is starting, stopping, or not the primary any more; or it is the network between servers.
    case 6, 7, 89, 91, 134, 189, 202, 262, 317, 358, 384, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436:
      .transient
    // A cursor or plan that it dropped, a time limit, a write in the way, a snapshot that is not there yet, a busy hour.
    case 43, 50, 112, 175, 246, 365: .transient
    case 18: .signIn
    case 13: .rights
    case 11601: .ended
    case 14031: .noRoom
    default: .lasting
    }
  }
}

extension BSONDocument {
  /// Whether a server's answer carries this among its `errorLabels`.
  fileprivate func hasLabel(_ label: StaticString) -> Bool {
    guard let labels = (try? value("errorLabels"))?.array else { return false }
    var elements = labels.elements
    while let element = try? elements.next() {
      if element.value.string == ByteView(label) { return true }
    }
    return false
  }
}
