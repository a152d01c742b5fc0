/// The first so many of what is offered, one after another; what is not among them costs no more than a look.
struct Foremost<Element> {
  private let limit: Int
  /// In their order, once there are as many as there may be.
  private(set) var elements: [Element] = []

  /// - Parameters:
  ///   - limit: not zero.
  ///   - count: how many will be offered.
  init(_ limit: Int, of count: Int) {
    self.limit = limit
    elements.reserveCapacity(min(limit, count))
  }

  /// - Parameter precedes: the same order each time, in which no two are alike.
  @inline(__always)
  mutating func offer(_ element: Element, by precedes: (Element, Element) -> Bool) {
    guard elements.count == limit else {
      elements.append(element)
      if elements.count == limit { elements.sort(by: precedes) }
      return
    }
    guard precedes(element, elements[limit - 1]) else { return }
    elements.removeLast()
    var (low, high) = (0, elements.count)
    while low < high {
      let middle = (low + high) / 2
      if precedes(elements[middle], element) { low = middle + 1 } else { high = middle }
    }
    elements.insert(element, at: low)
  }
}
