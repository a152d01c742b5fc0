internal import BSON

extension GeneratedJSON {
  /// A document in MongoDB's Extended JSON, version 2, as `mongoexport` writes it.
  ///
  /// - Parameter canonical: every number names its type; relaxed, numbers are plain and dates are text.
  mutating func extended(_ document: BSONDocument, canonical: Bool) {
    beginObject()
    each(document) { text, element in
      text.key(element.key)
      text.extended(element.value, canonical: canonical)
    }
    endObject()
  }

  private mutating func extended(_ value: BSONValue, canonical: Bool) {
    if let document = value.document {
      extended(document, canonical: canonical)
    } else if let array = value.array {
      beginArray()
      each(array) { text, element in text.extended(element.value, canonical: canonical) }
      endArray()
    } else if let text = value.string {
      string(text)
    } else if let date = value.date {
      wrapped("$date") { text in
        if canonical {
          text.wrapped("$numberLong") { $0.string(String(date)) }
        } else {
          text.string(timestamp(date))
        }
      }
    } else if let integer = value.integer {
      guard canonical else { return self.integer(integer) }
      wrapped(value.type == .int32 ? "$numberInt" : "$numberLong") { $0.string(String(integer)) }
    } else if let double = value.double {
      guard canonical else { return self.double(double) }
      wrapped("$numberDouble") { $0.string(String(double)) }
    } else if let bool = value.bool {
      self.bool(bool)
    } else if value.type == .objectID {
      wrapped("$oid") { $0.string(value.bytes.hexadecimal) }
    } else {
      null()
    }
  }

  private mutating func wrapped(_ key: StaticString, _ write: (inout GeneratedJSON) -> Void) {
    beginObject()
    self.key(key)
    write(&self)
    endObject()
  }

  /// The documents written here are the generator's own: one that is no BSON is a mistake of this program.
  private mutating func each(_ document: BSONDocument, _ write: (inout GeneratedJSON, BSONElement) -> Void) {
    var elements = document.elements
    do {
      while let element = try elements.next() { write(&self, element) }
    } catch {
      preconditionFailure("a document that was written here cannot be read: \(error)")
    }
  }
}
