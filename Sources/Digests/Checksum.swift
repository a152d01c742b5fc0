internal import CCrypto

/// Checksums of 128 bits over bytes that arrive in parts, message after message: Poly1305 (RFC 8439) under a key that
/// everybody knows.
///
/// It tells documents apart as surely as SHA-256 does where nobody plays tricks, at a seventh of its time. It proves
/// nothing against somebody who does: what is named by its bytes (inputs, ids, the root of a tree) has a `SHA256`.
///
/// Safe although it holds a C handle: the handle is made in `init`, never leaves this value, which cannot be
/// copied, and is freed once, in `deinit`.
@safe public struct Checksum: ~Copyable {
  private let context: OpaquePointer?
  /// Short parts, which are handed on together: each call costs as much as some thousand bytes.
  private var pending: [UInt8] = []
  private static let short = 2048

  /// The algorithm, looked up once: looking it up costs more than a small document. It is never freed nor changed, and
  /// libcrypto lets threads share it.
  private nonisolated(unsafe) static let algorithm = unsafe EVP_MAC_fetch(nil, "POLY1305", nil)
  private static let key = Array("the key of 32 bytes is no secret".utf8)

  public init() {
    unsafe context = EVP_MAC_CTX_new(Self.algorithm)
    begin()
  }

  private func begin() { _ = unsafe EVP_MAC_init(context, Self.key, Self.key.count, nil) }

  deinit { unsafe EVP_MAC_CTX_free(context) }

  /// Adds the next part.
  public mutating func update(_ part: UnsafeRawBufferPointer) {
    if part.count < Self.short {
      unsafe pending += part
      if pending.count >= Self.short { flush() }
    } else {
      flush()
      let bytes = unsafe part.assumingMemoryBound(to: UInt8.self)
      _ = unsafe EVP_MAC_update(context, bytes.baseAddress, bytes.count)
    }
  }

  private mutating func flush() {
    guard !pending.isEmpty else { return }
    _ = unsafe EVP_MAC_update(context, pending, pending.count)
    pending.removeAll(keepingCapacity: true)
  }

  /// The 16 bytes of the checksum. Ends the message; the next may follow.
  public mutating func finish() -> [UInt8] {
    flush()
    var sum = [UInt8](repeating: 0, count: 16)
    _ = unsafe EVP_MAC_final(context, &sum, nil, sum.count)
    begin()
    return sum
  }
}
