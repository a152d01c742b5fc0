internal import BSON

/// A stored document that has not the shape it should: it costs its user, or its song, and nothing else.
public struct LearningFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// The collection it lies in.
  public let collection: String
  /// Which field is wrong: `"history"`; empty when the whole document is.
  public let field: String
  /// What is wrong, for a person.
  public let detail: String

  public var description: String { "\(collection): " + (field.isEmpty ? detail : "\(field): \(detail)") }

  init(collection: String, field: String, detail: String) {
    self.collection = collection
    self.field = field
    self.detail = detail
  }

  init(_ collection: String, _ fault: BSONFault) {
    self.init(collection: collection, field: "", detail: fault.description)
  }
}
