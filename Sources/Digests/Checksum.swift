internal import CXXHash

/// Checksums of 128 bits over bytes that arrive in parts, message after message: XXH3 (XXH128), as `xxhsum -H2` prints
/// it.
///
/// It tells documents apart as surely as SHA-256 does where nobody plays tricks, forty times as fast. It proves nothing
/// against somebody who does: what is named by its bytes (inputs, ids, the root of a tree) has a `SHA256`.
///
/// Safe although it holds a C handle: the handle is made in `init`, never leaves this value, which cannot be
/// copied, and is freed once, in `deinit`.
@safe public struct Checksum: ~Copyable {
  private let state: OpaquePointer?

  public init() {
    unsafe state = XXH3_createState()
    begin()
  }

  private func begin() { unsafe xxh128_begin(state) }

  deinit { _ = unsafe XXH3_freeState(state) }

  /// Adds the next part.
  public mutating func update(_ part: UnsafeRawBufferPointer) { unsafe xxh128_add(state, part.baseAddress, part.count) }

  /// A checksum of 64 bits over bytes that are all there (XXH3), the same on every machine.
  ///
  /// - Parameter seed: another one gives another checksum of the same bytes.
  public static func word(of bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    unsafe xxh64_of(bytes.baseAddress, bytes.count, seed)
  }

  /// A checksum of 128 bits over bytes that are all there (XXH128), the same on every machine.
  ///
  /// - Parameter seed: another one gives another checksum of the same bytes.
  public static func doubleWord(of bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt128 {
    let sum = unsafe xxh128_of(bytes.baseAddress, bytes.count, seed)
    return UInt128(sum.high64) << 64 | UInt128(sum.low64)
  }

  /// The 16 bytes of the checksum. Ends the message; the next may follow.
  public mutating func finish() -> [UInt8] {
    var sum = [UInt8](repeating: 0, count: 16)
    unsafe xxh128_end(state, &sum)
    begin()
    return sum
  }
}
