internal import Glibc

/// A borrowed run of bytes: an address and a length, without an owner.
///
/// The unit in which Mixdown hands on data: an entry of a document, a field's value, a song's key are all views of
/// bytes that somebody else keeps (a mapped file, an ``Arena``, a writer's buffer). Copying a view costs nothing and
/// touches no reference count; the bytes are copied only where the code says `copy`.
///
/// Safe although it holds a pointer, by one rule that every maker of views keeps: **a view is made only from memory
/// that outlives the batch it is used in** – the mapping of a store lives as long as the store, an arena until it is
/// reset at the end of the batch, an array for the closure of `withView`. Views are never stored past their batch. The
/// bytes are never written while a view of them exists, so a view may cross threads.
///
/// Every access through one is bounds-checked, but for the walk of ``BSONElements``, which says why it need not be. Who
/// uses ``extended(by:)``, or the pointer of ``withUnsafeBytes(_:)``, answers for it where that stands.
@safe @frozen
public struct ByteView: @unchecked Sendable {
  @usableFromInline let base: UnsafeRawPointer
  public let count: Int

  @inlinable
  public init(_ bytes: UnsafeRawBufferPointer) {
    if let start = bytes.baseAddress {
      unsafe base = start
    } else {
      unsafe base = UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
    }
    count = bytes.count
  }

  @inlinable
  init(base: UnsafeRawPointer, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// No bytes at all.
  @inlinable
  public static var empty: ByteView { unsafe ByteView(UnsafeRawBufferPointer(start: nil, count: 0)) }

  @inlinable
  public var isEmpty: Bool { count == 0 }

  @inlinable
  public subscript(offset: Int) -> UInt8 {
    precondition(UInt(bitPattern: offset) < UInt(bitPattern: count), "byte outside of its view")
    return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// The `length` bytes from `offset` on. Traps when they are not all inside.
  @inlinable
  public func slice(_ offset: Int, _ length: Int) -> ByteView {
    precondition(offset >= 0 && length >= 0 && length <= count - offset, "slice outside of its view")
    return unsafe ByteView(base: base + offset, count: length)
  }

  @inlinable
  public func dropFirst(_ length: Int) -> ByteView { slice(length, count - length) }

  /// These bytes and the `length` behind them.
  ///
  /// The one way to look past a view: only for bytes that lie in a piece of memory which was allocated with as much
  /// padding behind it, as ``Arena/copy(_:padding:)`` does. Nothing checks that: a caller says why it is so.
  @unsafe
  public func extended(by length: Int) -> ByteView { unsafe ByteView(base: base, count: count + length) }

  /// A little-endian integer at any alignment. Traps when it does not lie inside.
  @inlinable
  public func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
    precondition(offset >= 0 && MemoryLayout<T>.size <= count - offset, "load outside of its view")
    return unsafe T(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The bytes for a call that takes a pointer; valid as long as the view is.
  @inlinable
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// A copy of the bytes.
  public func copy() -> [UInt8] { unsafe withUnsafeBytes { unsafe [UInt8]($0) } }

  /// The bytes as text; ill-formed UTF-8 becomes U+FFFD.
  public var string: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }

  /// Where this view begins inside `whole`, in bytes; nil when it does not.
  public func offset(in whole: ByteView) -> Int? {
    let distance = unsafe base - whole.base
    return distance >= 0 && distance <= whole.count ? distance : nil
  }

  /// Whether both views are the same place, which makes their bytes equal without a look.
  @inlinable
  public func isSamePlace(as other: ByteView) -> Bool { unsafe base == other.base && count == other.count }

  /// The text's own bytes, which live as long as the program.
  public init(_ text: StaticString) {
    unsafe self.init(base: UnsafeRawPointer(text.utf8Start), count: text.utf8CodeUnitCount)
  }
}

extension ByteView: Equatable {
  @inlinable
  public static func == (a: ByteView, b: ByteView) -> Bool { a.count == b.count && a.hasBytes(of: b) }

  /// - Parameter other: as long as these.
  @usableFromInline
  func hasBytes(of other: ByteView) -> Bool { unsafe base == other.base || memcmp(base, other.base, count) == 0 }
}

extension ByteView {
  /// Lets a `switch` over a key name its cases as literals.
  public static func ~= (text: StaticString, bytes: ByteView) -> Bool {
    bytes.count == text.utf8CodeUnitCount && bytes == ByteView(text)
  }
}

extension ByteView: Comparable {
  /// Compared as unsigned bytes; of two where one is a prefix of the other, the longer is greater.
  public static func < (a: ByteView, b: ByteView) -> Bool { a.order(b) < 0 }

  /// Negative, zero or positive, as this view is less than, equal to or greater than the other.
  public func order(_ other: ByteView) -> Int {
    let common = unsafe Int(memcmp(base, other.base, min(count, other.count)))
    return common != 0 ? common : count - other.count
  }
}

extension ByteView {
  public func hasPrefix(_ prefix: StaticString) -> Bool {
    let prefix = ByteView(prefix)
    return count >= prefix.count && slice(0, prefix.count) == prefix
  }

  /// Whether the text, which is not empty, occurs in these bytes.
  public func contains(_ text: StaticString) -> Bool {
    let needle = ByteView(text)
    guard needle.count <= count, !needle.isEmpty else { return false }
    for start in 0...(count - needle.count) where self[start] == needle[0] {
      if slice(start, needle.count) == needle { return true }
    }
    return false
  }
}

extension ByteView: Hashable {
  public func hash(into hasher: inout Hasher) { unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }

  /// A fast 64-bit hash for tables in memory, another one in each process. Never persisted, and nothing that comes out
  /// depends on it.
  public var fingerprint: UInt64 {
    var state = Self.seed ^ UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
    var offset = 0
    while offset + 8 <= count {
      state = ByteView.mixed(state ^ load(offset, as: UInt64.self))
      offset += 8
    }
    var tail: UInt64 = 0
    while offset < count {
      tail = tail << 8 | UInt64(self[offset])
      offset += 1
    }
    return ByteView.mixed(state ^ tail)
  }

  /// Where a fingerprint begins. Were it known, ids could be made up that have one fingerprint: a table of them takes
  /// hours, and where a fingerprint stands for its user one of two would be passed over. Swift's own hashing draws it
  /// when the process starts.
  private static let seed = UInt64(truncatingIfNeeded: Hasher().finalize())

  private static func mixed(_ word: UInt64) -> UInt64 {
    let product = word.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}

extension [UInt8] {
  /// Lends a view of the array's bytes for the time of `body`.
  public func withView<R>(_ body: (ByteView) throws -> R) rethrows -> R {
    try unsafe withUnsafeBytes { try unsafe body(ByteView($0)) }
  }

  /// Compared as unsigned bytes; of two where one is a prefix of the other, the longer is greater.
  public func isLess(than other: [UInt8]) -> Bool { withView { own in other.withView { own < $0 } } }
}
