/// Writes BSON into one growing buffer, front to back; lengths are patched when a document is closed.
///
/// ```swift
/// var writer = BSONWriter()
/// let root = writer.open()
/// writer.append("user_id", string: "ann")
/// writer.close(root)
/// ```
///
/// Safe although it allocates by hand: the buffer belongs to this value alone, which cannot be copied, every write
/// makes room first, and `deinit` frees it, or the arena does that it is a piece of. Views handed out by ``view`` hold
/// until the next write.
@safe
public struct BSONWriter: ~Copyable {
  @usableFromInline var buffer: UnsafeMutableRawBufferPointer
  @usableFromInline var used = 0

  /// Bytes written.
  @inlinable
  public var count: Int { used }

  /// Where the buffer lies; nil when it is this value's own.
  ///
  /// Not counted, for that costs as much as writing a small entry: such a writer is made by the arena itself, for a call
  /// of its own, and cannot be copied.
  private let arena: Unmanaged<Arena>?

  public init(capacity: Int = 4096) {
    unsafe arena = nil
    unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(capacity, 64), alignment: 16)
  }

  /// A writer whose bytes outlive it, in an arena: see ``Arena/written(capacity:_:)``.
  init(in arena: Arena, capacity: Int) {
    unsafe self.arena = Unmanaged.passUnretained(arena)
    unsafe buffer = arena.takeRest(atLeast: max(capacity, 64))
  }

  deinit {
    if unsafe arena == nil { unsafe buffer.deallocate() }
  }

  /// Everything written so far; valid until the next write.
  public var view: ByteView { unsafe ByteView(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }

  /// Everything from `start` on; valid until the next write.
  public func view(from start: Int) -> ByteView { view.dropFirst(start) }

  public mutating func removeAll() { used = 0 }

  /// Takes back everything from `start` on.
  public mutating func truncate(to start: Int) { used = min(count, max(0, start)) }

  // MARK: Documents

  /// Begins a document at the top or after a key; hand the result to ``close(_:)``.
  @inlinable
  public mutating func open() -> Int {
    let start = count
    put(UInt32(0))
    return start
  }

  /// Ends the document that began at `start`.
  @inlinable
  public mutating func close(_ start: Int) {
    put(UInt8(0))
    let length = UInt32(truncatingIfNeeded: count - start)
    unsafe buffer.storeBytes(of: length.littleEndian, toByteOffset: start, as: UInt32.self)
  }

  // MARK: Elements

  /// The type byte and key of an element whose value follows.
  @inlinable
  public mutating func key(_ key: ByteView, _ type: BSONType) {
    reserve(key.count + 2)
    fill(type.rawValue)
    fill(key)
    fill(UInt8(0))
  }

  @inlinable
  public mutating func key(_ key: StaticString, _ type: BSONType) { self.key(ByteView(key), type) }

  /// The type byte and the decimal key of the `index`-th element of an array.
  @inlinable
  public mutating func index(_ index: Int, _ type: BSONType) {
    reserve(24)
    fill(type.rawValue)
    fillDecimal(UInt(bitPattern: index))
    fill(UInt8(0))
  }

  @inlinable
  public mutating func append(_ key: ByteView, _ value: BSONValue) {
    reserve(key.count + value.bytes.count + 2)
    fill(value.type.rawValue)
    fill(key)
    fill(UInt8(0))
    fill(value.bytes)
  }

  public mutating func append(_ key: StaticString, _ value: BSONValue) { append(ByteView(key), value) }

  public mutating func append(_ key: StaticString, string: ByteView) {
    self.key(key, .string)
    put(string: string)
  }

  public mutating func append(_ key: StaticString, string: String) {
    var string = string
    string.withUTF8 { utf8 in unsafe append(key, string: ByteView(UnsafeRawBufferPointer(utf8))) }
  }

  /// Bytes of no particular kind.
  public mutating func append(_ key: StaticString, binary: ByteView) {
    self.key(key, .binary)
    put(UInt32(truncatingIfNeeded: binary.count))
    put(UInt8(0))
    put(bytes: binary)
  }

  /// Milliseconds since 1970.
  public mutating func append(_ key: StaticString, date: Int64) {
    self.key(key, .date)
    put(UInt64(bitPattern: date))
  }

  public mutating func append(_ key: ByteView, double: Double) {
    self.key(key, .double)
    put(double.bitPattern)
  }

  public mutating func append(_ key: StaticString, double: Double) { append(ByteView(key), double: double) }

  public mutating func append(_ key: StaticString, bool: Bool) {
    self.key(key, .bool)
    put(UInt8(bool ? 1 : 0))
  }

  public mutating func append(_ key: StaticString, int32: Int32) {
    self.key(key, .int32)
    put(UInt32(bitPattern: int32))
  }

  /// An int32 where it fits, else an int64.
  public mutating func append(_ key: StaticString, integer: Int64) {
    if let small = Int32(exactly: integer) { return append(key, int32: small) }
    self.key(key, .int64)
    put(UInt64(bitPattern: integer))
  }

  @inlinable
  public mutating func append(_ key: StaticString, strings: some Sequence<ByteView>) {
    self.key(key, .array)
    put(strings: strings)
  }

  // MARK: Values

  /// The `position`-th element of an array: a document that is written already.
  public mutating func append(at position: Int, _ document: BSONDocument) {
    index(position, .document)
    put(bytes: document.bytes)
  }

  /// A string's length, bytes and terminator.
  public mutating func put(string: ByteView) {
    reserve(string.count + 5)
    fill(UInt32(truncatingIfNeeded: string.count + 1))
    fill(string)
    fill(UInt8(0))
  }

  /// An array of strings.
  @inlinable
  public mutating func put(strings: some Sequence<ByteView>) {
    let start = open()
    for (position, string) in strings.enumerated() {
      index(position, .string)
      put(string: string)
    }
    close(start)
  }

  @inlinable
  public mutating func put(bytes: ByteView) {
    reserve(bytes.count)
    fill(bytes)
  }

  /// Once more what was written there; the range lies within what is written.
  public mutating func put(again range: Range<Int>) {
    precondition(range.upperBound <= count)
    reserve(range.count)
    fill(view.slice(range.lowerBound, range.count))
  }

  @inlinable
  public mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ integer: T) {
    reserve(MemoryLayout<T>.size)
    fill(integer)
  }

  // MARK: Room

  /// Makes room for more bytes.
  @inlinable @inline(__always)
  mutating func reserve(_ more: Int) {
    if unsafe used + more > buffer.count { grow(more) }
  }

  // These write without a look at the room: only after ``reserve(_:)`` of as much.

  @inlinable @inline(__always)
  mutating func fill<T: FixedWidthInteger & BitwiseCopyable>(_ integer: T) {
    assert(unsafe used + MemoryLayout<T>.size <= buffer.count)
    unsafe start.storeBytes(of: integer.littleEndian, toByteOffset: used, as: T.self)
    used &+= MemoryLayout<T>.size
  }

  @inlinable @inline(__always)
  mutating func fill(_ bytes: ByteView) {
    assert(unsafe used + bytes.count <= buffer.count)
    unsafe (start + used).copyMemory(from: bytes.base, byteCount: bytes.count)
    used &+= bytes.count
  }

  @inlinable
  mutating func fillDecimal(_ number: UInt) {
    guard number >= 10 else { return fill(UInt8(truncatingIfNeeded: 48 + number)) }
    // Two digits at a time: every entry of a list has its place for a key.
    let (rest, pair) = number.quotientAndRemainder(dividingBy: 100)
    if rest > 0 { fillDecimal(rest) }
    let (tens, units) = pair.quotientAndRemainder(dividingBy: 10)
    fill(UInt16(truncatingIfNeeded: (48 + units) << 8 | 48 + tens))
  }

  /// Where the buffer lies; it is never empty.
  @inlinable
  var start: UnsafeMutableRawPointer { unsafe buffer.baseAddress.unsafelyUnwrapped }

  @usableFromInline @inline(never)
  mutating func grow(_ more: Int) {
    let size = unsafe max(buffer.count * 2, count + more)
    let larger =
      unsafe arena?._withUnsafeGuaranteedRef { unsafe $0.takeRest(atLeast: size) }
      ?? UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    if unsafe arena == nil { unsafe buffer.deallocate() }
    unsafe buffer = larger
  }
}
