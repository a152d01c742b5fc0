/// Bytes that are no BSON document.
public struct BSONFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, for a person.
  public let what: String
  /// Where, in bytes from the start of the document that was being read.
  public let offset: Int

  @usableFromInline
  init(_ what: String, at offset: Int) {
    self.what = what
    self.offset = offset
  }

  public var description: String { "\(what) at byte \(offset) of the document" }
}
