internal import BSON
internal import Dumps

/// The BSON of a JSON object, whose extended forms (`{"$numberInt": "2"}`) stay the objects that they are.
///
/// - Parameter maxDepth: how many arrays and objects may stand inside each other.
/// - Returns: nil for what is no JSON object.
func document(json: [UInt8], maxDepth: Int = 64) -> [UInt8]? {
  let arena = Arena()
  var reader = JSONReader()
  guard let value = try? reader.read(copying: json, maxDepth: maxDepth), value.kind == .object else { return nil }
  return reader.copyBSON(to: arena).copy()
}

/// The BSON of a JSON object that stands in this program.
func document(json: String) -> [UInt8] {
  guard let document = document(json: Array(json.utf8)) else { preconditionFailure("no JSON object: \(json)") }
  return document
}

extension String {
  /// As a JSON string, in quotation marks.
  var inJSON: String {
    var json = JSONText()
    json.string(self)
    return json.string
  }
}
