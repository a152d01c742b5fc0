public import BSON

/// The settings of the player: `shuffle`, `repeat`, `volume`, and whatever else a newer API keeps beside them.
public struct Preferences: Sendable {
  /// In normal form.
  public var document: BSONDocument

  /// Drops known keys of a wrong type; the rest stays as it is.
  init(normalizing source: BSONDocument, in arena: Arena) throws(BSONFault) {
    document = BSONDocument(
      unchecked: try arena.written { writer throws(BSONFault) in
        let start = writer.open()
        var elements = source.elements
        while let element = try elements.next() {
          switch element.key {
          case "shuffle": if element.value.bool != nil { writer.append(element.key, element.value) }
          case "repeat":
            if let mode = element.value.string, Self.isRepeatMode(mode) { writer.append(element.key, element.value) }
          case "volume": if let volume = NormalForm.volume(element.value) { writer.append("volume", double: volume) }
          default: writer.append(element.key, element.value)
          }
        }
        writer.close(start)
      })
  }

  /// `off`, `all` or `one`.
  public static func isRepeatMode(_ text: ByteView) -> Bool {
    text == ByteView("off") || text == ByteView("all") || text == ByteView("one")
  }
}
