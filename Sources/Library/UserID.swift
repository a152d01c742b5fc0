/// What names a user.
package enum UserID {
  /// How long it may be, in bytes.
  package static var lengths: ClosedRange<Int> { 1...256 }
}
