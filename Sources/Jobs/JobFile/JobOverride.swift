/// A parameter that the command line gives a job, on top of what the file says.
public struct JobOverride: Sendable {
  /// Whose parameter it is.
  public enum Scope: Sendable, Equatable {
    /// The whole job's: `store`, `state`.
    case job
    case step(String)
    /// That of every step that has it.
    case everyStep
  }

  public let scope: Scope
  public let key: String
  public let value: String
  public let place: JobPlace

  /// - Parameter shown: the flag as it stands on the command line.
  public init(_ scope: Scope, key: String, value: String, shown: String) {
    self.scope = scope
    self.key = key
    self.value = value
    place = .commandLine(shown)
  }

  /// Reads what stands behind `--set`: `step.key=value`, `store=value` or `state=value`.
  public init(setting text: String) throws(JobFault) {
    let place = JobPlace.commandLine("--set \(text)")
    guard let sign = text.firstIndex(of: "=") else {
      throw JobFault(place, "write \"step.key=value\", such as \"sync.workers=4\"")
    }
    let name = text[..<sign]
    let value = String(text[text.index(after: sign)...])
    if let dot = name.firstIndex(of: ".") {
      scope = .step(String(name[..<dot]))
      key = String(name[name.index(after: dot)...])
    } else {
      guard JobFile.commonKeys.contains(String(name)) else {
        let nearest = suggestion(for: String(name), among: JobFile.commonKeys)
        throw JobFault(place, "\"\(name)\" is no key of the job; write \"step.key=value\"\(nearest)")
      }
      scope = .job
      key = String(name)
    }
    self.value = value
    self.place = .commandLine("--set \(name)")
  }
}

extension JobFile {
  /// Puts overrides in the place of what the file says; the values of a list that is given several times add up. An empty
  /// value for a step is as in the file: as if the key were not there.
  mutating func apply(_ overrides: [JobOverride]) -> [JobFault] {
    var faults: [JobFault] = []
    // What the first override of a parameter has put aside.
    var begun: Set<String> = []
    for override in overrides {
      let value = Value(text: override.value, place: override.place)
      switch override.scope {
      case .job:
        settings.removeAll { $0.key == override.key }
        for index in steps.indices { steps[index].settings.removeAll { $0.key == override.key } }
        settings.append(Setting(key: override.key, place: override.place, values: [value]))
      case .step(let name):
        guard let index = steps.firstIndex(where: { $0.declaration.name == name }) else {
          let names = steps.map(\.declaration.name)
          let message = "the job has no step \"\(name)\"\(suggestion(for: name, among: names))"
          faults.append(JobFault(override.place, message))
          continue
        }
        guard let key = steps[index].declaration.key(override.key) else {
          faults.append(JobFault(override.place, unknown(override.key, of: steps[index].declaration)))
          continue
        }
        let written = override.key == key.opposite ? value.negated : value
        let meant = value.text.isEmpty ? nil : written
        steps[index].set(key, meant, override.place, isFirst: begun.insert("\(name).\(key.name)").inserted)
      case .everyStep:
        for index in steps.indices {
          guard let key = steps[index].declaration.key(override.key) else { continue }
          steps[index].set(key, value, override.place, isFirst: true)
        }
      }
    }
    return faults
  }
}

extension JobFile.Step {
  fileprivate mutating func set(
    _ key: StepDeclaration.Key, _ value: JobFile.Value?, _ place: JobPlace, isFirst: Bool
  ) {
    let known = settings.firstIndex { $0.key == key.name }
    let adds = key.isRepeated && !isFirst
    if let known, !adds { settings.remove(at: known) }
    guard let value else { return }
    if let known, adds { return settings[known].values.append(value) }
    settings.append(JobFile.Setting(key: key.name, place: place, values: [value]))
  }
}
