package import BSON

/// Joins versions of one thing field by field: each field takes its value from the version of the best rank that has
/// it; between versions of the same rank the greater bytes win.
///
/// The fields come out in the order in which the versions were added, so add them in an order that depends on nothing
/// but the versions themselves.
package struct FieldMerge {
  private struct Field {
    var element: BSONElement
    var rank: Int
  }

  private var fields: [Field] = []
  /// Where each field is, by key; empty until there are so many that looking through them all would take long.
  private var places: [ByteView: Int] = [:]

  /// So many fields are looked through: no entry of the real clients has more.
  private static let mostSearched = 32

  /// Room for the fields of an entry, made once.
  package init() { fields.reserveCapacity(16) }

  /// Adds a version's fields; a lower rank wins.
  package mutating func add(_ document: BSONDocument, rank: Int) throws(BSONFault) {
    var elements = document.elements
    while let element = try elements.next() { add(element, rank: rank) }
  }

  mutating func add(_ element: BSONElement, rank: Int) {
    guard let place = place(of: element) else {
      if !places.isEmpty { places[element.key] = fields.count }
      fields.append(Field(element: element, rank: rank))
      return
    }
    let known = fields[place]
    if rank < known.rank || (rank == known.rank && element.value.hasGreaterBytes(than: known.element.value)) {
      fields[place] = Field(element: element, rank: rank)
    }
  }

  /// The value that a field of this name has so far.
  mutating func value(of element: BSONElement) -> BSONValue? { place(of: element).map { fields[$0].element.value } }

  private mutating func place(of element: BSONElement) -> Int? {
    guard fields.count > Self.mostSearched else {
      return fields.firstIndex { $0.element.keyWord == element.keyWord && $0.element.key == element.key }
    }
    if places.isEmpty {
      for (place, field) in fields.enumerated() { places[field.element.key] = place }
    }
    return places[element.key]
  }

  mutating func removeAll() {
    fields.removeAll(keepingCapacity: true)
    if !places.isEmpty { places = [:] }
  }

  /// Writes the joined fields; a date of this name, in milliseconds, takes the place of what the versions have.
  func write(to writer: inout BSONWriter, date: (name: StaticString, value: Int64)? = nil) {
    let start = writer.open()
    writeElements(to: &writer, date: date)
    writer.close(start)
  }

  /// The joined fields without a document around them.
  func writeElements(to writer: inout BSONWriter, date: (name: StaticString, value: Int64)? = nil) {
    for field in fields {
      if let date, field.element.key == ByteView(date.name) {
        writer.append(date.name, date: date.value)
      } else {
        writer.append(field.element.key, field.element.value)
      }
    }
  }

  /// The joined fields as a document in the arena.
  package func written(in arena: Arena, date: (name: StaticString, value: Int64)? = nil) -> BSONDocument {
    BSONDocument(unchecked: arena.written { writer in write(to: &writer, date: date) })
  }
}

extension Entry {
  /// The one entry that versions of it make: each field takes its value from the version of the greatest `measure` that
  /// has it, at equal measures the greater bytes.
  ///
  /// - Parameters:
  ///   - versions: in any order; at least one.
  ///   - measure: what versions are ordered by, as `addedAt`.
  package static func joined(
    _ versions: consuming [Entry], by measure: (Entry) -> some Comparable, in arena: Arena
  ) throws(BSONFault) -> Entry {
    versions.sort {
      let (one, other) = (measure($0), measure($1))
      return one != other ? one > other : $0.document.bytes > $1.document.bytes
    }
    var fields = FieldMerge()
    var rank = 0
    for position in versions.indices {
      if position > 0, measure(versions[position]) != measure(versions[position - 1]) { rank = position }
      try fields.add(versions[position].document, rank: rank)
    }
    var joined = versions[0]
    joined.document = fields.written(in: arena)
    return joined
  }
}
