internal import CCrypto

/// SHA-256 (FIPS 180-4) of a whole message, by the system's libcrypto.
///
/// - Returns: the 32 bytes of the digest.
public func sha256(_ message: [UInt8]) -> [UInt8] {
  var digest = [UInt8](repeating: 0, count: 32)
  check(unsafe EVP_Digest(message, message.count, &digest, nil, SHA256.algorithm, nil))
  return digest
}

/// SHA-256 of a message that arrives in parts.
///
/// Safe although it holds a C handle: the handle is made in `init`, never leaves this value, which cannot be
/// copied, and is freed once, in `deinit`.
@safe public struct SHA256: ~Copyable {
  private let context: OpaquePointer?

  /// The algorithm, looked up once: looking it up costs more than a short message. It is never freed nor changed, and
  /// libcrypto lets threads share it.
  fileprivate nonisolated(unsafe) static let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil)

  public init() {
    unsafe context = EVP_MD_CTX_new()
    check(unsafe EVP_DigestInit_ex(context, Self.algorithm, nil))
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Adds the next part of the message.
  public mutating func update(_ part: UnsafeRawBufferPointer) {
    check(unsafe EVP_DigestUpdate(context, part.baseAddress, part.count))
  }

  /// The 32 bytes of the digest. Ends the message.
  public consuming func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    check(unsafe EVP_DigestFinal_ex(context, &digest, nil))
    return digest
  }
}

/// A digest that was not computed is all zeros, by which different contents would be taken for one: better an end here.
private func check(_ status: CInt) { precondition(status == 1, "libcrypto has no SHA-256") }

/// Lower-case hexadecimal.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
