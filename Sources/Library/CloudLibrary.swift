internal import BSON

/// A stored document as the merge sees it: its sections in normal form, and when each was decided.
struct CloudLibrary {
  let document: BSONDocument
  var replica: Replica
  /// The last write by anyone, in milliseconds.
  private(set) var updatedAt: Int64?
  /// Whether the document has `section_updated_at`.
  private(set) var hasSectionTimes = false
  private var sectionTimes = PerSection<Int64>()
  private var asOf: Int64?
  /// The known sections as they are stored.
  private(set) var stored = PerSection<BSONValue>()
  private(set) var storedTotal: BSONValue?
  private(set) var storedSectionTimes: BSONDocument?

  /// - Parameter reads: which sections the merge wants in normal form.
  init(
    _ document: BSONDocument, normalizer: inout Normalizer, reads: (Section) -> Bool
  ) throws(BSONFault) {
    self.document = document
    replica = Replica(origin: .cloud, time: nil)
    var elements = document.elements
    while let element = try elements.next() {
      switch CloudField.named(element.key) {
      // Of a repeated field the last value counts, as in JSON.
      case .section(let section): stored[section] = element.value
      case .total: storedTotal = element.value
      case .updatedAt: updatedAt = try Instant.milliseconds(element.value)
      case .sectionTimes:
        if let times = element.value.document { try readTimes(times) }
      case .identity, .other: break
      }
    }
    for section in Section.allCases where reads(section) {
      if let value = stored[section] { try normalizer.read(section, value, into: &replica) }
    }
    if let storedTotal { normalizer.readTotal(storedTotal, into: &replica) }
    replica.time = updatedAt
  }

  private mutating func readTimes(_ times: BSONDocument) throws(BSONFault) {
    hasSectionTimes = true
    storedSectionTimes = times
    var elements = times.elements
    while let element = try elements.next() {
      if element.key == ByteView("as_of") {
        asOf = try Instant.milliseconds(element.value)
      } else if let section = Section.timed(element.key) {
        sectionTimes[section] = try Instant.milliseconds(element.value)
      }
    }
  }

  /// When the section was last decided, in milliseconds: what the last run noted while nobody else has written since,
  /// else the document's last write.
  func time(of section: Section) -> Int64? {
    isSettled ? sectionTimes[section] : updatedAt
  }

  /// Whether nobody has written the document since the run that noted its section times.
  var isSettled: Bool { asOf != nil && asOf == updatedAt }

  /// Whether the document has the section, with its right type.
  func has(_ section: Section) -> Bool {
    guard let value = stored[section] else { return false }
    return section == .preferences || section == .removed ? value.document != nil : value.array != nil
  }
}

/// The top-level fields of a stored document.
enum CloudField {
  case section(Section)
  case total, updatedAt, sectionTimes, identity, other

  static func named(_ key: ByteView) -> CloudField {
    switch key {
    case "_id", "user_id": .identity
    case "total_songs_played": .total
    case "updated_at": .updatedAt
    case "section_updated_at": .sectionTimes
    default: Section(field: key).map(CloudField.section) ?? .other
    }
  }
}

extension Section {
  /// The sections whose last decision `section_updated_at` notes.
  static var timed: [Section] { [.queue, .preferences, .recentSearches] }

  static func timed(_ key: ByteView) -> Section? {
    timed.first { ByteView($0.field) == key }
  }
}
