internal import BSON
internal import CMongo

/// What libmongoc or the server says of a call that failed.
///
/// Inside of the MongoDB store alone; what leaves it is a ``StoreError``, made by ``MongoDatabase``.
struct MongoFailure: Error {
  /// What kind of failure it is, as far as it decides what to do.
  enum Kind {
    /// No server, none that can be used, or one that broke off: may go by itself.
    case transient
    /// Who signs in is not let in.
    case signIn
    /// The user may not do this.
    case rights
    /// The cursor is not known any more: it may be opened again.
    case cursorLost
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
    if Self.isTransient(domain, error.code) || reply?.hasLabel("RetryableWriteError") == true {
      kind = .transient
    } else if Self.isSignIn(domain, error.code) {
      kind = .signIn
    } else if domain == MONGOC_ERROR_SERVER, error.code == 13 {
      kind = .rights
    } else if error.code == 43, domain == MONGOC_ERROR_SERVER || domain == MONGOC_ERROR_CURSOR {
      kind = .cursorLost
    } else {
      kind = .lasting
    }
  }

  private static func firstPart(_ message: String) -> String {
    let end = message.firstRange(of: " to execute command {")?.lowerBound ?? message.endIndex
    return String(message[..<end].prefix(500))
  }

  // MARK: Kinds

  private static func isTransient(_ domain: mongoc_error_domain_t, _ code: UInt32) -> Bool {
    switch domain {
    case MONGOC_ERROR_STREAM, MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_WRITE_CONCERN, MONGOC_ERROR_POOL: true
    case MONGOC_ERROR_CLIENT: code == MONGOC_ERROR_CLIENT_NOT_READY.rawValue
    case MONGOC_ERROR_PROTOCOL: code == MONGOC_ERROR_PROTOCOL_INVALID_REPLY.rawValue
    case MONGOC_ERROR_SERVER: isTransient(code)
    default: false
    }
  }

  /// Codes of a server that is starting, stopping, or not the primary any more, and of a network between servers.
  static func isTransient(_ code: UInt32) -> Bool {
    switch code {
    case 6, 7, 89, 91, 134, 189, 202, 262, 317, 358, 384, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436: true
    default: false
    }
  }

  private static func isSignIn(_ domain: mongoc_error_domain_t, _ code: UInt32) -> Bool {
    switch domain {
    case MONGOC_ERROR_SCRAM, MONGOC_ERROR_SASL: true
    case MONGOC_ERROR_CLIENT:
      code == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue || code == MONGOC_ERROR_CLIENT_GETNONCE.rawValue
    case MONGOC_ERROR_SERVER: code == 18
    default: false
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
