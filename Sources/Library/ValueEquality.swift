internal import BSON

extension BSONValue {
  /// Whether two values say the same: the order of fields aside, numbers by value, NaN equal to NaN.
  ///
  /// - Parameter depth: how many documents and arrays the values stand inside, as far as both are compared.
  func says(_ other: BSONValue, depth: Int = 0) throws(BSONFault) -> Bool {
    if type == other.type {
      if bytes == other.bytes { return true }
      if let (a, b) = both(self, other, \.document) { return try Self.sameFields(a, b, depth) }
      if let (a, b) = both(self, other, \.array) { return try Self.sameItems(a, b, depth) }
    }
    guard type.isNumber, other.type.isNumber else { return false }
    if let a = integer, let b = other.integer { return a == b }
    if let a = double, let b = other.double { return a == b || (a.isNaN && b.isNaN) }
    guard let whole = integer ?? other.integer, let fraction = double ?? other.double else { return false }
    return Int64(exactly: fraction) == whole
  }

  private func both(
    _ a: BSONValue, _ b: BSONValue, _ part: (BSONValue) -> BSONDocument?
  ) -> (BSONDocument, BSONDocument)? {
    guard let first = part(a), let second = part(b) else { return nil }
    return (first, second)
  }

  private static func sameItems(_ a: BSONDocument, _ b: BSONDocument, _ depth: Int) throws(BSONFault) -> Bool {
    try BSONDocument.check(depth: depth)
    var (left, right) = (a.elements, b.elements)
    while true {
      switch (try left.next(), try right.next()) {
      case (nil, nil): return true
      case (let item?, let other?): guard try item.value.says(other.value, depth: depth + 1) else { return false }
      default: return false
      }
    }
  }

  private static func sameFields(_ a: BSONDocument, _ b: BSONDocument, _ depth: Int) throws(BSONFault) -> Bool {
    try BSONDocument.check(depth: depth)
    // Nearly always both have the same fields in the same order.
    var (left, right) = (a.elements, b.elements)
    while true {
      switch (try left.next(), try right.next()) {
      case (nil, nil): return true
      case (let field?, let other?):
        // What stands before is settled: to compare it again would double the work at each level of nesting.
        guard field.key == other.key else { return try sameFields((field, left), (other, right), depth) }
        guard try field.value.says(other.value, depth: depth + 1) else { return false }
      default: return false
      }
    }
  }

  /// Whether two documents have the same fields in any order, from a field of each on.
  private static func sameFields(
    _ a: (field: BSONElement, rest: BSONElements), _ b: (field: BSONElement, rest: BSONElements), _ depth: Int
  ) throws(BSONFault) -> Bool {
    var others: [ByteView: BSONValue] = [:]
    var (next, rest): (BSONElement?, BSONElements) = b
    while let field = next {
      others[field.key] = field.value
      next = try rest.next()
    }
    var count = 0
    (next, rest) = a
    while let field = next {
      guard let other = others[field.key], try field.value.says(other, depth: depth + 1) else { return false }
      count += 1
      next = try rest.next()
    }
    return count == others.count
  }
}
