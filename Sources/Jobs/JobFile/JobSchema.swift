internal import Foundation

/// The JSON Schema of job files, for editors: from the same declarations that check them.
public struct JobSchema {
  private let declarations: [StepDeclaration]

  public init(_ declarations: [StepDeclaration]) { self.declarations = declarations }

  /// The schema as JSON text.
  public var text: String {
    let variable: [String: Any] = [
      "type": "string", "pattern": "\\$\\{", "description": "With variables: ${VARIABLE} or ${VARIABLE:-default}.",
    ]
    let steps: [[String: Any]] = declarations.map { step in
      ["type": "object", "additionalProperties": false, "required": [step.name], "properties": [step.name: body(step)]]
    }
    let names: [String: Any] = ["enum": declarations.map(\.name)]
    let schema: [String: Any] = [
      "$schema": "http://json-schema.org/draft-07/schema#",
      "title": "A job of Mixdown",
      "type": "object",
      "additionalProperties": false,
      "required": ["steps"],
      "definitions": ["variable": variable],
      "properties": [
        "job": ["type": "string", "description": "The job's name. Default: the file's name without its ending."],
        "store": [
          "type": "string", "description": "Where the libraries are: a folder or mongodb://…. Also from MIXDOWN_STORE.",
        ],
        "state": ["type": "string", "description": "Where the folders of runs lie."],
        "steps": ["type": "array", "minItems": 1, "items": ["anyOf": steps + [names]]],
      ],
    ]
    let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let json = try? JSONSerialization.data(withJSONObject: schema, options: options) else { return "{}" }
    return String(decoding: json, as: UTF8.self)
  }

  private func body(_ step: StepDeclaration) -> [String: Any] {
    var properties: [String: Any] = [:]
    for key in step.keys {
      var schema = value(step.kind(of: key))
      if key.isRepeated { schema = ["type": "array", "items": schema] }
      schema["description"] = key.abstract
      if key.isFlag {
        schema["default"] = key.standard == "true"
      } else if let standard = key.standard {
        schema["default"] = Int(standard).map { $0 as Any } ?? standard
      }
      properties[key.name] = schema
      if let opposite = key.opposite { properties[opposite] = value(.flag) }
    }
    return [
      "type": ["object", "null"], "additionalProperties": false, "description": step.abstract,
      "properties": properties,
    ]
  }

  private func value(_ kind: StepDeclaration.Kind) -> [String: Any] {
    let variable = ["$ref": "#/definitions/variable"]
    return switch kind {
    case .flag: ["anyOf": [["type": "boolean"], variable]]
    case .choice(let choices): ["anyOf": [["enum": choices], variable]]
    case .wholeNumber: ["anyOf": [["type": "integer"], variable]]
    case .number: ["anyOf": [["type": "number"], variable]]
    case .quantity: ["type": ["string", "number"]]
    case .text: ["type": ["string", "number", "boolean"]]
    }
  }
}
