public import BSON
public import Library
public import Stores

/// A month of plays on its way into the archive.
extension PlayArchive.Month {
  /// What the month becomes in the archive; nil where that would be too large for a document.
  public func change(of user: ByteView) -> DocumentChange? {
    guard document.bytes.count <= MergeOutcome.largestDocument else { return nil }
    return DocumentChange(
      key: user, subkey: name, stored: stored, document: document, changedFields: ["plays", "updated_at"])
  }

  /// What is said of a month that is too large.
  public var excess: String { "the plays of \(name.string) would have \(document.bytes.count) bytes in the archive" }
}
