public import BSON
internal import Digests

/// The mark of a `t:` key, by which one run tells another of it: 32 bits of its print, the same on every machine.
///
/// Two keys have one mark by a chance of one in four thousand million. Then a user is read for nothing.
public struct TitleMark: Hashable, Comparable, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The mark of a key (`t:…`).
  public init(of key: ByteView) { self.init(print: key.print()) }

  init(print: UInt64) { self.init(rawValue: UInt32(truncatingIfNeeded: print)) }

  public static func < (a: TitleMark, b: TitleMark) -> Bool { a.rawValue < b.rawValue }
}

/// The marks of some `t:` keys, or of all there are.
public enum TitleMarks: Equatable, Sendable {
  case some(Set<TitleMark>)
  case all

  public func isSubset(of other: TitleMarks) -> Bool {
    switch (self, other) {
    case (_, .all): true
    case (.all, .some): false
    case (.some(let marks), .some(let others)): marks.isSubset(of: others)
    }
  }

  public func union(_ other: TitleMarks) -> TitleMarks {
    guard case .some(let marks) = self, case .some(let others) = other else { return .all }
    return .some(marks.union(others))
  }

  public func contains(_ mark: TitleMark) -> Bool {
    switch self {
    case .some(let marks): marks.contains(mark)
    case .all: true
    }
  }
}

extension ByteView {
  /// A checksum that may be kept, unlike the fingerprint.
  func print(seed: UInt64 = 0) -> UInt64 {
    unsafe withUnsafeBytes { unsafe Checksum.word(of: $0, seed: seed) }
  }
}

/// The marks of the `t:` keys in users' facts, looked up by the descriptions of their entries.
public struct TitleTable: Sendable {
  /// Nil for a description of a `v:` song.
  private let marks: [TitleMark?]

  /// - Parameter repertoire: in whose numbers the facts are; complete from now on.
  public init(_ repertoire: Repertoire) {
    let lexicon = repertoire.lexicon
    marks = lexicon.descriptions.map { lexicon.isVideo($0.song) ? nil : TitleMark(of: lexicon.key($0.song)) }
  }

  /// The marks of all keys under which a user has a play or favourite, each once, ascending.
  ///
  /// - Parameter facts: as they were read, before keys count as others.
  public func marks(of facts: UserFacts) -> [TitleMark] {
    var found: [TitleMark] = []
    func add(_ description: Int32) {
      if let mark = marks[Int(description)], mark != found.last { found.append(mark) }
    }
    for play in facts.plays { add(play.description) }
    for favorite in facts.favorites { add(favorite.description) }
    found.sort()
    return found.enumerated().filter { $0 == 0 || found[$0 - 1] != $1 }.map(\.element)
  }
}
