public import BSON
internal import CSimdJSON

/// Why a text could not be read as JSON.
public enum JSONFault: Error, Equatable {
  /// It is not one JSON value in UTF-8; the offset is that of the first byte that cannot stand where it does.
  case invalid(offset: Int)
  /// At the offset an array or object begins that stands in too many others.
  case tooDeep(offset: Int)
  /// The text or its BSON passes 2³¹ − 1 bytes, or the memory there is.
  case tooLarge
}

/// What a JSON text turned out to be.
public struct JSONValue: Equatable, Sendable {
  public enum Kind: Sendable {
    case object, array, string, number, boolean, null
  }

  public let kind: Kind

  /// Whether a key in it holds U+0000. BSON has no such keys: there the two bytes `C0 80`, which are no UTF-8, stand
  /// for it, and whoever takes an entry that has one must look.
  public let hasNULKeys: Bool
}

/// Reads JSON text straight into BSON.
///
/// The text is checked strictly (RFC 8259) and to its end; a byte order mark before it is skipped.
/// - Integers become int32 when they fit, else int64, else double; other numbers are the nearest double, past its
///   range infinite. `-0` is the integer 0.
/// - A surrogate that stands alone in an escape becomes U+FFFD.
/// - Of a key that an object repeats the last value counts, in the place of the first.
/// - The values of the keys `tldr-access-token` and `tldr-refresh-token`, at any depth, are replaced by
///   `"<redacted>"`: a login never gets further than this.
///
/// A reader keeps its memory from text to text (that of very large ones it gives back), so a thread that reads many
/// has one of its own.
///
/// - Note: Safe, for the handle is this value's alone (it cannot be copied), lives as long as it does, and every
///   pointer that comes from it is read by this value alone, before the next call, which needs it exclusively.
@safe public struct JSONReader: ~Copyable {
  /// How many bytes must follow a text in memory. What they hold does not matter.
  public static let padding = Int(mj_padding)

  private let handle: OpaquePointer
  private var bson = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

  public init() {
    guard let handle = unsafe mj_reader_new() else { preconditionFailure("out of memory") }
    unsafe self.handle = unsafe handle
  }

  deinit {
    unsafe mj_reader_free(handle)
  }

  /// Reads one text from where it lies. The BSON of an object or array is there for ``copyBSON(to:)`` until the next
  /// call.
  ///
  /// - Parameters:
  ///   - padded: The text and, after it, ``padding`` more bytes.
  ///   - maxDepth: How many arrays and objects may stand inside each other.
  ///   - identityOnly: Convert only what tells whose dump this is: of the object, and of an object `data` in it, the
  ///     values of `user_id` and `tldr-user`. All other values are stepped over, unchecked, and null in the BSON.
  public mutating func read(
    _ padded: ByteView, maxDepth: Int, identityOnly: Bool = false
  ) throws(JSONFault) -> JSONValue {
    precondition(padded.count >= Self.padding, "a text must be followed by padding")
    let result = unsafe padded.withUnsafeBytes { bytes in
      // A text of nothing but padding has a base address too.
      unsafe mj_read(
        handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count - Self.padding,
        UInt32(clamping: maxDepth), identityOnly)
    }
    unsafe bson = UnsafeRawBufferPointer(start: result.bson, count: result.bson_length)
    switch unsafe result.status {
    case .ok: return unsafe JSONValue(kind: JSONValue.Kind(result.kind), hasNULKeys: result.nul_keys)
    case .invalid: throw unsafe .invalid(offset: result.offset)
    case .too_deep: throw unsafe .tooDeep(offset: result.offset)
    case .too_large, .out_of_memory: throw .tooLarge
    }
  }

  /// Reads one text that has no padding.
  public mutating func read(copying text: [UInt8], maxDepth: Int) throws(JSONFault) -> JSONValue {
    let padded = text + [UInt8](repeating: 0, count: Self.padding)
    return try padded.withView { view in
      Result { () throws(JSONFault) in try read(view, maxDepth: maxDepth) }
    }.get()
  }

  /// The BSON of the text last read: a document, an array, or nothing when it was neither or could not be read. The copy
  /// has ``padding`` bytes behind it: a string in it can be read as JSON in turn.
  public func copyBSON(to arena: Arena) -> ByteView {
    unsafe arena.copy(ByteView(bson), padding: Self.padding)
  }
}

extension JSONValue.Kind {
  fileprivate init(_ kind: mj_kind) {
    self =
      switch kind {
      case .object: .object
      case .array: .array
      case .string: .string
      case .number: .number
      case .boolean: .boolean
      case .null: .null
      }
  }
}
