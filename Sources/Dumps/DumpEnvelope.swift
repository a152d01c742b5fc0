internal import BSON
internal import Library

/// A dump without what is wrapped around it: whose it is, when it was taken, and the object that holds its sections.
struct DumpEnvelope {
  /// What a dump says of its user.
  enum User: Equatable {
    case absent
    /// Something that is no user: an object above all.
    case invalid
    case user(ByteView)
  }

  /// The object with the sections.
  private(set) var body: BSONDocument
  /// nil when no key of any shape is there.
  private(set) var shape: DumpShape?
  private(set) var user = User.absent
  /// The value of `exported_at`.
  private(set) var exportedAt: Int64?
  private(set) var device: ByteView?
  /// `tldr-user` as it stands there, when nothing else names the user.
  private(set) var browserUser: BSONValue?
  /// Whether any key of a shape or of the envelope is there.
  private(set) var isKnown: Bool

  /// Opens a dump. `data` is an envelope only when it is an object and no key of a shape stands beside it.
  init(_ dump: BSONDocument) throws(BSONFault) {
    let outside = try Keys(dump)
    shape = outside.shape
    body = dump
    isKnown = outside.shape != nil || outside.hasOtherKey
    var keys = outside
    if outside.shape == nil, let data = outside.data {
      body = data
      keys = try Keys(data)
      shape = keys.shape
    }
    // What stands outside counts before what stands in `data`.
    try take(outside)
    try take(keys)
    browserUser = keys.browserUser
    if device == nil { device = keys.browserDevice }
  }

  private mutating func take(_ keys: Keys) throws(BSONFault) {
    if user == .absent, let value = keys.user { user = Self.user(value) }
    if exportedAt == nil, let value = keys.exportedAt {
      exportedAt = shape == .library ? try ExtendedJSON.milliseconds(value) : try Instant.milliseconds(value)
    }
    if device == nil { device = keys.device?.string }
  }

  /// A user is a non-empty string of at most 256 bytes.
  static func user(_ value: BSONValue) -> User {
    if value.isNull { return .absent }
    guard let text = value.string, UserID.lengths.contains(text.count) else { return .invalid }
    return .user(text)
  }

  /// The keys of one object that tell what it is.
  private struct Keys {
    var shape: DumpShape?
    /// Whether a key of the envelope, or one of the library's that is no section, is there.
    var hasOtherKey = false
    var data: BSONDocument?
    var user: BSONValue?
    var exportedAt: BSONValue?
    var device: BSONValue?
    var browserUser: BSONValue?
    var browserDevice: ByteView?

    init(_ document: BSONDocument) throws(BSONFault) {
      var (isBrowser, isRequest, isLibrary) = (false, false, false)
      var elements = document.elements
      while let element = try elements.next() {
        let key = element.key
        if key.hasPrefix("tldr-") {
          isBrowser = true
          if key == ByteView("tldr-user") { browserUser = element.value }
          if key == ByteView("tldr-device-id") { browserDevice = element.value.string }
        } else if key.hasPrefix("local_") {
          isRequest = true
        } else {
          switch key {
          case "user_id": user = element.value
          case "exported_at": exportedAt = element.value
          case "device_id": device = element.value
          case "updated_at", "section_updated_at": break
          case "data":
            data = element.value.document
          default:
            isLibrary = isLibrary || key == ByteView("total_songs_played") || Section(field: key) != nil
            continue
          }
          hasOtherKey = true
        }
      }
      shape = isBrowser ? .localStorage : (isRequest ? .syncRequest : (isLibrary ? .library : nil))
    }
  }
}
