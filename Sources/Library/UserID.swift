/// What names a user.
package enum UserID {
  /// How long it may be, in bytes.
  package static var lengths: ClosedRange<Int> { 1...256 }

  /// Whether bytes from outside are UTF-8, as all that is stored must be.
  package static func isText(_ bytes: some Sequence<UInt8>) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
}
