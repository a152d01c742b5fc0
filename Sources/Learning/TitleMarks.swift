public import BSON
internal import Digests

/// A set of `t:` keys, told by one of 64 marks for each: who has none of its marks has none of its keys; who has one has
/// one of its keys, or another of the same mark.
///
/// Runs leave it for the next, so that the mark of a key is the same on every machine.
public struct TitleMarks: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The marks of all keys.
  public static let all = TitleMarks(rawValue: .max)

  /// The mark of a key (`t:…`).
  public init(of key: ByteView) { self.init(print: key.print()) }

  init(print: UInt64) { self.init(rawValue: 1 << (print & 63)) }
}

extension ByteView {
  /// A checksum that may be kept, unlike the fingerprint.
  func print(seed: UInt64 = 0) -> UInt64 {
    unsafe withUnsafeBytes { unsafe Checksum.word(of: $0, seed: seed) }
  }
}

/// The marks of the `t:` keys in users' facts, looked up by the descriptions of their entries.
public struct TitleTable: Sendable {
  private let marks: [TitleMarks]

  /// - Parameter repertoire: in whose numbers the facts are; complete from now on.
  public init(_ repertoire: Repertoire) {
    let lexicon = repertoire.lexicon
    marks = lexicon.descriptions.map { lexicon.isVideo($0.song) ? [] : TitleMarks(of: lexicon.key($0.song)) }
  }

  /// The marks of all keys under which a user has a play or favourite.
  ///
  /// - Parameter facts: as they were read, before keys count as others.
  public func marks(of facts: UserFacts) -> TitleMarks {
    var marks: TitleMarks = []
    for play in facts.plays { marks.formUnion(self.marks[Int(play.description)]) }
    for favorite in facts.favorites { marks.formUnion(self.marks[Int(favorite.description)]) }
    return marks
  }
}
