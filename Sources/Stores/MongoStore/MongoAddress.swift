internal import CMongo
internal import Glibc

/// Where a MongoDB is: a `mongodb://…/database` or `mongodb+srv://…/database` address, read by libmongoc.
///
/// ```swift
/// let address = try MongoAddress("mongodb://ann:secret@db.example.org/music?replicaSet=rs0")
/// address.name      // "mongodb://ann@db.example.org:27017/music"
/// address.database  // "music"
/// ```
///
/// Safe to share although it holds a C handle: the handle is made in `init`, only read afterwards, and freed in
/// `deinit`.
@safe public final class MongoAddress: @unchecked Sendable {
  /// The address without password and options, which is what may be shown.
  public let name: String
  /// The database that it names.
  public let database: String
  /// Where to look for servers, as `host:port`, or the name of the SRV record.
  public let hosts: [String]
  /// Who signs in; nil for nobody.
  public let user: String?
  /// Whether the connection is to be encrypted.
  public let isEncrypted: Bool
  /// Whether servers are looked up in an SRV record.
  public let isService: Bool

  private let pointer: OpaquePointer
  private let password: String?

  /// Whether this is meant to name a server rather than a directory. So is what has a wrong scheme in front: taken for a
  /// directory, it would make folders whose names hold a password.
  public static func isAddress(_ text: String) -> Bool { scheme(of: text) != nil }

  /// What stands in front of `://`; nil where nothing does, or a path.
  private static func scheme(of text: String) -> Substring? {
    guard let mark = text.firstRange(of: "://") else { return nil }
    let scheme = text[..<mark.lowerBound]
    return scheme.contains("/") ? nil : scheme
  }

  // MARK: Reading

  /// Reads an address. The password may stand in it, in the variable `MIXDOWN_MONGO_PASSWORD`, or in the file that
  /// `MIXDOWN_MONGO_PASSWORD_FILE` names; the first of these counts, and a variable that is empty is not set.
  ///
  /// - Parameter environment: gives a variable's value.
  /// - Throws: ``StoreError/badAddress(name:why:)``, which never shows the address itself: where it cannot be read, no
  ///   part of it is known not to be the password. `inputOutput` for the password's file.
  public convenience init(_ text: String) throws(StoreError) {
    try self.init(text) { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
  }

  init(_ text: String, environment: (String) -> String?) throws(StoreError) {
    prepareForMongo()
    guard let scheme = Self.scheme(of: text), ["mongodb", "mongodb+srv"].contains(scheme) else {
      throw .badAddress(name: Self.wrongScheme(text), why: Self.schemeAdvice)
    }
    var error = bson_error_t()
    guard Self.isPlain(text), let pointer = unsafe mongoc_uri_new_with_error(text, &error) else {
      throw .badAddress(name: "\(scheme)://…", why: Self.advice)
    }
    unsafe self.pointer = pointer
    user = unsafe Self.text(mongoc_uri_get_username(pointer))
    isEncrypted = unsafe mongoc_uri_get_tls(pointer)
    isService = scheme == "mongodb+srv"
    hosts = unsafe isService ? [Self.text(mongoc_uri_get_srv_hostname(pointer)) ?? ""] : Self.hosts(of: pointer)
    let database = unsafe Self.text(mongoc_uri_get_database(pointer))
    self.database = database ?? ""
    let prefix = user.map { Self.encoded($0) + "@" } ?? ""
    name = "\(scheme)://\(prefix)\(hosts.joined(separator: ","))/\(Self.encoded(self.database))"
    password = try unsafe Self.password(in: pointer, user: user, environment: environment)
    guard database?.isEmpty == false else {
      throw .badAddress(name: name, why: "it names no database: put one after the servers, as in \(name)music")
    }
  }

  deinit { unsafe mongoc_uri_destroy(pointer) }

  /// Whether nothing but the user's name and password can stand before the `@`.
  ///
  /// libmongoc takes `mongodb://ann:pass@word@host/music` for a password `pass` and a host `word@host`, and what is
  /// taken for a host is shown.
  private static func isPlain(_ text: String) -> Bool {
    let body = text.drop { $0 != ":" }.dropFirst(3)
    guard let at = body.firstIndex(of: "@") else { return true }
    return !body[..<at].contains { $0 == "/" || $0 == "?" } && !body[body.index(after: at)...].contains("@")
  }

  /// A wrong scheme as it may be shown: nothing that could be a part of a password.
  private static func wrongScheme(_ text: String) -> String {
    let scheme = (scheme(of: text) ?? "").drop { $0.isWhitespace }
    let isPlain = scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
    return isPlain ? "\(scheme)://…" : "…://…"
  }

  private static let schemeAdvice = """
    neither a folder nor the address of a MongoDB. An address begins with mongodb:// or mongodb+srv://, in small letters \
    and without a blank in front; a folder is named by its path alone
    """

  private static let advice = """
    it is no address of a MongoDB. It should look like mongodb://user@host:27017/database?option=value; \
    @ : / ? # % in a user's name or password are written %40 %3A %2F %3F %23 %25
    """

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
  }

  private static func hosts(of uri: OpaquePointer) -> [String] {
    var names: [String] = []
    var host = unsafe mongoc_uri_get_hosts(uri)
    while let current = unsafe host {
      if let name = unsafe text(mixdown_host(current)) { names.append(name) }
      unsafe host = unsafe UnsafePointer(current.pointee.next)
    }
    return names
  }

  private static func password(
    in uri: OpaquePointer, user: String?, environment: (String) -> String?
  ) throws(StoreError) -> String? {
    if let password = unsafe text(mongoc_uri_get_password(uri)) { return password }
    guard user != nil else { return nil }
    func setting(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
    var found = setting("MIXDOWN_MONGO_PASSWORD")
    if found == nil, let path = setting("MIXDOWN_MONGO_PASSWORD_FILE") {
      let bytes = try PosixFile(path, O_RDONLY, operation: "read the password in").read(upTo: 4096, at: 0)
      var text = bytes[...]
      if text.last == UInt8(ascii: "\n") {
        text.removeLast()
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
      }
      found = String(decoding: text, as: UTF8.self)
    }
    if let found { unsafe mongoc_uri_set_password(uri, found) }
    return found
  }

  /// A name as it stands in an address.
  private static func encoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.utf8.count < 2 ? "%0" + digits : "%" + digits
      }
    }
    return result
  }

  // MARK: Comparing

  /// Whether this is surely another database than that.
  ///
  /// A replica set is found through any of its members, so that addresses of one server each, and of no set, can be told
  /// apart alone.
  public func isOther(than other: MongoAddress) -> Bool {
    guard database.utf8.elementsEqual(other.database.utf8) else { return true }
    guard let own = onlyHost, let others = other.onlyHost, own != others else { return false }
    // A tunnel may end on any port of this machine, and a number may be anybody's whose name is not known.
    guard !own.isLocal, !others.isLocal, own.isNumber == others.isNumber else { return false }
    // Another port of the same machine is another server.
    guard own.name != others.name else { return true }
    let isShort = (own.name + ".").hasPrefix(others.name + ".") || (others.name + ".").hasPrefix(own.name + ".")
    return !isShort || own.port != others.port
  }

  private struct Host: Equatable {
    let name: String
    let port: Substring

    init(_ text: String) {
      let end = text.lastIndex(of: ":") ?? text.endIndex
      name = text[..<end].lowercased()
      port = text[end...]
    }

    var isLocal: Bool { ["localhost", "127.0.0.1", "[::1]"].contains(name) }
    var isNumber: Bool { name.hasPrefix("[") || name.allSatisfy { $0.isNumber || $0 == "." } }
  }

  /// The server, where the address can only mean this one.
  private var onlyHost: Host? {
    guard hosts.count == 1, !isService, unsafe mongoc_uri_get_replica_set(pointer) == nil else { return nil }
    return hosts.first.map(Host.init)
  }

  // MARK: Use

  /// Why nobody can sign in with what is known; nil where that is for the server to say.
  ///
  /// libmongoc reads the password that is not there as soon as a server knows the user.
  var refusal: StoreError? {
    guard let user, password?.isEmpty != false else { return nil }
    let mechanism = unsafe Self.text(mongoc_uri_get_auth_mechanism(pointer)) ?? ""
    guard ["", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"].contains(mechanism.uppercased()) else { return nil }
    return .unreachable(
      address: name, stage: .signIn,
      reason: "signing in is not possible: \(user) has no password, or an empty one",
      advice: "Give one in MIXDOWN_MONGO_PASSWORD, MIXDOWN_MONGO_PASSWORD_FILE or the address.")
  }

  /// How long to look for a server.
  func serverTimeout(_ options: MongoOptions) -> Duration {
    let stated = unsafe mongoc_uri_get_option_as_int32(pointer, "serverselectiontimeoutms", 0)
    return options.serverTimeout ?? (stated > 0 ? .milliseconds(Int(stated)) : .seconds(10))
  }

  /// Whether reads may go to a secondary, which may lag behind.
  var readsSecondaries: Bool {
    unsafe mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(pointer)) != MONGOC_READ_PRIMARY
  }

  /// Lends the address with everything that Mixdown adds to it.
  func withURI<R>(
    _ options: MongoOptions, answerTimeout: Duration, _ body: (OpaquePointer) throws(MongoFailure) -> R
  ) throws(MongoFailure) -> R {
    let uri = unsafe mongoc_uri_copy(pointer)
    defer { unsafe mongoc_uri_destroy(uri) }
    guard let uri = unsafe uri else { throw MongoFailure("no memory for an address") }
    let serverTimeout = serverTimeout(options).milliseconds
    unsafe mixdown_uri_set_durable(uri)
    unsafe mongoc_uri_set_option_as_bool(uri, "retrywrites", true)
    unsafe mongoc_uri_set_option_as_int32(uri, "serverselectiontimeoutms", serverTimeout)
    for (option, value) in [
      ("connecttimeoutms", serverTimeout), ("sockettimeoutms", answerTimeout.milliseconds),
      ("waitqueuetimeoutms", options.patience.milliseconds),
    ] where unsafe !mongoc_uri_has_option(uri, option) {
      unsafe mongoc_uri_set_option_as_int32(uri, option, value)
    }
    if unsafe mongoc_uri_get_appname(uri) == nil { unsafe mongoc_uri_set_appname(uri, "mixdown") }
    return try unsafe body(uri)
  }

  /// A text of libmongoc or of the server, without the password, should it be in there.
  func shown(_ text: String) -> String {
    guard let password, password.utf8.count > 2 else { return text }
    return text.replacing(password, with: "…")
  }
}
