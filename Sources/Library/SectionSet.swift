/// Some of a library's sections, as bits: the merge asks for each user and each section.
public struct SectionSet: Sendable, Equatable, Sequence, ExpressibleByArrayLiteral {
  private var bits: UInt8 = 0

  public static var all: SectionSet { SectionSet(Section.allCases) }

  public init(_ sections: some Sequence<Section>) {
    for section in sections { insert(section) }
  }

  public init(arrayLiteral sections: Section...) { self.init(sections) }

  public var count: Int { bits.nonzeroBitCount }

  public var isEmpty: Bool { bits == 0 }

  public func contains(_ section: Section) -> Bool { bits & section.bit != 0 }

  public mutating func insert(_ section: Section) { bits |= section.bit }

  public mutating func remove(_ section: Section) { bits &= ~section.bit }

  /// In the order in which they are declared.
  public func makeIterator() -> some IteratorProtocol<Section> {
    Section.allCases.lazy.filter(contains).makeIterator()
  }
}

/// A value for each section that has one.
struct PerSection<Value> {
  private var values = InlineArray<7, Value?>(repeating: nil)

  subscript(section: Section) -> Value? {
    get { values[section.place] }
    set { values[section.place] = newValue }
  }
}

extension Section {
  /// From 0, in the order in which they are declared.
  fileprivate var place: Int {
    switch self {
    case .favorites: 0
    case .history: 1
    case .queue: 2
    case .playlists: 3
    case .preferences: 4
    case .recentSearches: 5
    case .removed: 6
    }
  }

  fileprivate var bit: UInt8 { 1 << UInt8(place) }
}
