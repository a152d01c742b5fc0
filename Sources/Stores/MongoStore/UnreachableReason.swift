extension StoreError {
  /// What a failure of a server asks of the operator.
  ///
  /// - Parameter what: what could not be done.
  init(_ failure: MongoFailure, at address: MongoAddress, _ what: String) {
    let said = address.shown(failure.message)
    // A sentence of the server's ends here in the middle of one.
    let message = said.hasSuffix(".") ? String(said.dropLast()) : said
    switch failure.kind {
    case .transient:
      let trouble = Trouble(message, isEncrypted: address.isEncrypted) {
        address.isService ? [] : address.hosts.map { ($0, HostProbe($0).outcome(within: .seconds(2))) }
      }
      self = .unreachable(trouble, at: address)
    case .signIn:
      self = .unreachable(
        address: address.name, stage: .signIn, reason: "signing in failed: \(message)",
        advice: address.user == nil ? nameUser : checkSignIn)
    case .rights:
      self = .unreachable(
        address: address.name, stage: .rights, reason: "cannot \(what): \(message)",
        advice: address.user == nil ? nameUser : giveRole)
    case .ended:
      self = .unreachable(
        address: address.name, stage: .network, reason: "cannot \(what): the server was told to end it: \(message)",
        advice: askWhoEnded)
    case .noRoom:
      self = .unreachable(
        address: address.name, stage: .network, reason: "cannot \(what): the server's disk is full: \(message)",
        advice: makeRoom)
    case .lasting:
      // What libmongoc itself refuses of TLS and SRV settings comes as no answer of a server.
      if let trouble = Trouble(ofConnection: message) {
        self = .unreachable(trouble, at: address)
      } else {
        self = .rejected(address: address.name, what: "cannot \(what)", why: message)
      }
    }
  }

  private static func unreachable(_ trouble: Trouble, at address: MongoAddress) -> StoreError {
    .unreachable(address: address.name, stage: trouble.stage, reason: trouble.reason, advice: trouble.advice)
  }
}

private let nameUser = """
  The server wants to know who asks: name a user in the address, and give the password in MIXDOWN_MONGO_PASSWORD or \
  MIXDOWN_MONGO_PASSWORD_FILE.
  """

private let checkSignIn = """
  Check the user, the password (in the address, MIXDOWN_MONGO_PASSWORD or MIXDOWN_MONGO_PASSWORD_FILE), and \
  authSource, the database that knows the user.
  """

private let askWhoEnded = "Ask who ended it with killOp, and why, then run again."

private let makeRoom = "Make room on the disk of the server, where its dbPath is, then run again."

private let giveRole = "Give the user the role in docs/stores.md, or another that may do it."

/// Why no server of an address could be used, and what to check.
struct Trouble: Equatable {
  let reason: String
  let advice: String
  let stage: StoreError.Stage

  private init(_ reason: String, _ advice: String, _ stage: StoreError.Stage = .network) {
    (self.reason, self.advice, self.stage) = (reason, advice, stage)
  }

  /// What libmongoc's words alone tell of a connection that could not be made; nil when they tell nothing.
  init?(ofConnection message: String) {
    let text = Words(message)
    if text.have("TLS", "certificate", "SSL") {
      self.init(message, Self.checkTLS, .encryption)
    } else if text.have("resolve", "DNS", "SRV") {
      self.init(message, Self.checkName)
    } else {
      return nil
    }
  }

  /// - Parameters:
  ///   - message: libmongoc's, which says little: so the hosts are asked once more, one by one and by hand.
  ///   - isEncrypted: whether the address asks for TLS.
  ///   - hosts: asks them; called only where the message alone does not tell.
  init(_ message: String, isEncrypted: Bool, hosts: () -> [(host: String, outcome: HostProbe.Outcome)]) {
    if let trouble = Trouble(ofConnection: message) {
      self = trouble
      return
    }
    let text = Words(message)
    if text.have("not primary", "not master", "NotWritablePrimary", "read-only") {
      self.init(message, Self.namePrimary)
      return
    }
    let found = hosts()
    // Of several hosts, one that is gone is no reason by itself.
    let gone = found.compactMap { Self.ofHost($0.host, $0.outcome) }
    if let first = gone.first, gone.count == found.count {
      self = first
      return
    }
    let others = gone.isEmpty ? "" : "; " + gone.map(\.reason).joined(separator: "; ")
    if text.have("Failed to read", "Failed to send", "connection closed", "socket error", "socket timeout") {
      self.init(
        "the server takes connections and does not answer: \(message)" + others,
        isEncrypted ? Self.checkLoadAndTLS : Self.checkLoadAndPlain)
    } else if text.have("No suitable server") {
      self.init(
        "the servers take connections, but none that can be used answers in time" + others, Self.checkSet)
    } else {
      self.init(message + others, "Check the server's log. `mixdown doctor` says more.")
    }
  }

  /// What keeps from a host; nil where it can be reached.
  private static func ofHost(_ host: String, _ outcome: HostProbe.Outcome) -> Trouble? {
    switch outcome {
    case .unknownName(let why): Trouble("\(host) cannot be resolved: \(why)", checkName)
    case .connection(.reached): nil
    case .connection(.refused):
      Trouble(
        "\(host) refused the connection",
        "Nothing listens there: check the port, that mongod runs, and that its bindIp names this address.")
    case .connection(.timedOut): Trouble("\(host) does not answer: the connection timed out", checkFirewall)
    case .connection(.failed(let why)):
      Trouble("\(host) cannot be connected to: \(why)", "Check the network between this machine and the server.")
    }
  }

  // MARK: What to check

  private static let checkTLS = """
    Check tls, tlsCAFile and tlsCertificateKeyFile in the address, that the certificate is valid today and names the \
    host, and that the server speaks TLS.
    """

  private static let checkName = """
    Check the host's name, and that this machine's name server knows it: a private name is known inside of its VPC only.
    """

  private static let namePrimary = """
    It takes no writes now: name all members of the replica set and replicaSet=NAME in the address, without \
    directConnection, and check that the set has a primary.
    """

  private static let checkFirewall = """
    Check firewall, VPC connector or peering, and the server's list of allowed addresses; --server-timeout gives it \
    longer.
    """

  private static let checkLoadAndTLS = "Check the server's log and load, and that it speaks TLS."

  private static let checkLoadAndPlain = """
    Check the server's log and load; one that wants TLS needs tls=true in the address.
    """

  private static let checkSet = """
    Check that the set has a primary, for which a majority of its members must run, that replicaSet in the address is \
    its name, and the servers' load; one that wants TLS needs tls=true in the address.
    """
}

/// The words of a message of libmongoc, without the names that it quotes: a host may be called TLS or SRV01.
private struct Words {
  private let text: String

  init(_ message: String) {
    var text = ""
    var quote: Character?
    for character in message {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else {
        text.append(character)
      }
    }
    self.text = text
  }

  func have(_ parts: String...) -> Bool { parts.contains { text.contains($0) } }
}
