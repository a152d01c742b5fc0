public import BSON

/// What the merge made of one user's replicas.
public struct MergeOutcome {
  /// MongoDB's limit of a document, in bytes.
  public static var largestDocument: Int { 16 << 20 }

  /// Why a user was left as they are.
  public enum Left: Sendable, Equatable {
    /// The document would pass 16 MiB: its size in bytes.
    case documentTooLarge(Int)
    /// `replace` would empty this section, which is not empty.
    case wouldEmpty(Section)
  }

  /// The new document; nil when nothing changed.
  public var document: BSONDocument?
  /// The sections that were decided, changed or not: they are in normal form.
  public var decided: SectionSet = []
  /// Names of the fields that changed.
  public var changed: [StaticString] = []
  public var fates = EntryFates()
  /// What a merge of the same dumps with the library as it is from now on would count, whatever its clock, unless that
  /// is earlier; nil when it is not certain that it would change nothing.
  public var again: EntryFates?
  /// What the stored document held that was not used; noted when the document is written.
  public var quarantined: [Quarantined] = []
  public var left: Left?
  /// The plays that the archive may lack, in any order and with repetitions.
  public var plays: [Entry] = []
  /// Whether the archive, once it has these, has all plays of the library as it is from now on.
  public var archivesAll = false
  /// The plays of the library as it is decided; none where the run does not decide them.
  public var history: [Entry] = []

  /// Nothing changed.
  public init() {}
}
