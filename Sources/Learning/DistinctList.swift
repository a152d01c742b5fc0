/// Items in the order in which they came first, each once.
struct DistinctList<Item: Hashable> {
  private(set) var items: [Item] = []
  /// All items; empty until there are so many that looking through them all would take long.
  private var known: Set<Item> = []

  /// So many items are looked through: hardly any song has more genres.
  private static var mostSearched: Int { 32 }

  mutating func append(_ item: Item) {
    if items.count < Self.mostSearched {
      if items.contains(item) { return }
    } else {
      if known.isEmpty { known = Set(items) }
      if !known.insert(item).inserted { return }
    }
    items.append(item)
  }

  mutating func removeAll() {
    items.removeAll(keepingCapacity: true)
    if !known.isEmpty { known = [] }
  }
}
