extension StringProtocol {
  /// Whether this is the other text, byte for byte, as users, values, paths and names of jobs are told apart: `==` takes
  /// two for one that differ in their normal form alone.
  public func isSame(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }
}
