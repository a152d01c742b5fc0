import BSON
import Library

extension Scene: CustomStringConvertible {
  /// The call of `merge` that repeats the scene.
  var description: String {
    var arguments: [String] = []
    if let cloud { arguments.append("cloud: \(cloud)") }
    arguments += exports.map { export in
      let text = export.text.map { ", text: \($0.debugDescription)" } ?? ""
      guard let time = export.time else { return ".undated(\(export.library)\(text))" }
      return ".at(\((time - epoch) / 60_000), \(export.library)\(text))"
    }
    if !guests.isEmpty {
      let list = guests.map { "Guest(user: \($0.user.debugDescription), library: \($0.library))" }
      arguments.append("guests: [\(list.joined(separator: ", "))]")
    }
    let sections = parameters.sections.count < 7 ? ", sections \(parameters.sections.map(\.rawValue).sorted())" : ""
    let settings = "// \(parameters.mode), history limit \(parameters.historyLimit)\(sections)"
    return "merge(\n  \(arguments.joined(separator: ",\n  "))) \(settings)"
  }

  /// The smallest scene within reach that still fails: what can go, goes.
  func shrunk(_ fails: (Scene) -> Bool) -> Scene {
    var best = self
    var attempts = 20_000
    var isSmaller = true
    while isSmaller {
      isSmaller = false
      for candidate in best.smaller {
        attempts -= 1
        guard attempts > 0 else { return best }
        if fails(candidate) {
          best = candidate
          isSmaller = true
          break
        }
      }
    }
    return best
  }

  /// Scenes with one thing less, the largest things first.
  private var smaller: [Scene] {
    var scenes: [Scene] = []
    func add(_ change: (inout Scene) -> Void) {
      var scene = self
      change(&scene)
      scenes.append(scene)
    }
    for index in exports.indices { add { $0.exports.remove(at: index) } }
    for index in guests.indices { add { $0.guests.remove(at: index) } }
    if let cloud {
      add { $0.cloud = nil }
      for value in cloud.smaller { add { $0.cloud = value } }
    }
    for (index, guest) in guests.enumerated() {
      for value in guest.library.smaller { add { $0.guests[index].library = value } }
    }
    for (index, export) in exports.enumerated() {
      for value in export.library.smaller { add { $0.exports[index].library = value } }
      if export.text != nil { add { $0.exports[index].text = nil } }
    }
    if parameters.historyLimit != 500 { add { $0.parameters.historyLimit = 500 } }
    if parameters.sections.count < Section.allCases.count { add { $0.parameters.sections = .all } }
    return scenes
  }
}

extension Value {
  /// Values with one part less, at any depth, the outer ones first.
  var smaller: [Value] {
    switch self {
    case .document(let fields):
      let without = fields.indices.map { index in Value.document(fields.without(index)) }
      let within = fields.indices.flatMap { index in
        fields[index].value.smaller.map { part in
          var fields = fields
          fields[index].value = part
          return Value.document(fields)
        }
      }
      return without + within
    case .array(let items):
      let without = items.indices.map { index in Value.array(items.without(index)) }
      let within = items.indices.flatMap { index in
        items[index].smaller.map { part in
          var items = items
          items[index] = part
          return Value.array(items)
        }
      }
      return without + within
    default: return []
    }
  }
}

extension Array {
  fileprivate func without(_ index: Int) -> [Element] {
    var list = self
    list.remove(at: index)
    return list
  }
}
