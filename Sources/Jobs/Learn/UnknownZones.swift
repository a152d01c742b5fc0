internal import BSON

/// Users of zones that the zone database does not have, and the names of these zones.
///
/// A name is anybody's word, and everybody may have one of their own. So names are cut, and of more than ``mostNames``
/// the first by their bytes are counted each for itself: of such a one no count is ever given up, whoever comes first and
/// however the users are divided, and every number of workers finds the same.
struct UnknownZones: Sendable {
  /// No zone of the database has a longer name, in characters.
  private static let longestName = 64
  private static let mostNames = 4096
  /// How many names a manifest has.
  static let mostShown = 100

  private(set) var users = 0
  private var byName: [[UInt8]: Int] = [:]

  /// Adds a user of a zone of this name.
  mutating func add(_ name: String) { add(Array(name.cut(to: Self.longestName).utf8), 1) }

  mutating func add(_ other: UnknownZones) {
    for (name, count) in other.byName { add(name, count) }
    // What the other has given up is in its sum alone.
    users += other.users - other.byName.values.reduce(0, +)
  }

  private mutating func add(_ name: [UInt8], _ count: Int) {
    users += count
    byName[name, default: 0] += count
    if byName.count == 2 * Self.mostNames { byName = [[UInt8]: Int](uniqueKeysWithValues: first) }
  }

  private var first: [(key: [UInt8], value: Int)] {
    Array(byName.sorted { $0.key.isLess(than: $1.key) }.prefix(Self.mostNames))
  }

  /// Users by the zone's name: the ``mostShown`` names with most of them, of as many the first by their bytes.
  var commonest: [String: Int] {
    let sorted = first.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key.isLess(than: $1.key) }
    // Two that differ only in their normal form are one text.
    return [String: Int](
      sorted.prefix(Self.mostShown).map { (String(decoding: $0.key, as: UTF8.self), $0.value) }, uniquingKeysWith: +)
  }
}
