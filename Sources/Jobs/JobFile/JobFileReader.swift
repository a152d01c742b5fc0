internal import Yams

/// Reads a job file and notes every fault with its place, so that one run shows all of them.
struct JobFileReader {
  let path: String
  /// The steps that this version has.
  let declarations: [StepDeclaration]
  let environment: [String: String]
  private(set) var faults: [JobFault] = []
  private var text = ""

  init(path: String, declarations: [StepDeclaration], environment: [String: String]) {
    self.path = path
    self.declarations = declarations
    self.environment = environment
  }

  /// What the text says, as far as it can be understood; what cannot is in `faults`.
  mutating func read(_ yaml: String) -> JobFile {
    text = yaml
    var file = JobFile(path: path, name: Self.name(of: path))
    do {
      guard let root = try Parser(yaml: yaml).singleRoot() else {
        refuse(start, "the file is empty; a job has \"steps\"")
        return file
      }
      read(root, into: &file)
    } catch let error as YamlError {
      faults.append(fault(error))
    } catch {
      refuse(start, "\(error)")
    }
    return file
  }

  /// The file's name without its ending; all of it where it is nothing but one.
  private static func name(of path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let name = last.lastIndex(of: ".").map { last[..<$0] } ?? last[...]
    return name.isEmpty ? last : String(name)
  }

  private mutating func read(_ root: Node, into file: inout JobFile) {
    guard let top = root.mapping else {
      return refuse(place(root), "a job is a mapping with \"job\", \"store\", \"state\" and \"steps\"")
    }
    var hasSteps = false
    for (key, value) in top {
      switch key.string {
      case "job":
        guard let name = scalar(value, of: "job"), !name.text.isEmpty else { continue }
        if name.text.contains("/") {
          refuse(name.place, "\"job\" is a name, without \"/\"")
        } else if name.text.contains(where: \.isNewline) {
          refuse(name.place, "\"job\" is a name on one line, without a line break")
        } else {
          file.name = name.text
        }
      case "steps":
        hasSteps = true
        file.steps = steps(value)
      case let name? where JobFile.commonKeys.contains(name):
        if let value = scalar(value, of: name), !value.text.isEmpty {
          file.settings.append(JobFile.Setting(key: name, place: place(key), values: [value]))
        }
      default:
        let name = shown(key)
        let nearest = suggestion(for: name, among: ["job", "steps"] + JobFile.commonKeys)
        refuse(place(key), "unknown key \"\(name)\" of the job\(nearest)")
      }
    }
    if !hasSteps { refuse(place(root), "the job has no \"steps\"") }
  }

  // MARK: Steps

  private mutating func steps(_ node: Node) -> [JobFile.Step] {
    guard let sequence = node.sequence, !sequence.isEmpty else {
      refuse(place(node), "\"steps\" is a list with at least one step, such as \"- sync:\"")
      return []
    }
    var steps: [JobFile.Step] = []
    for item in sequence {
      guard let step = step(item) else { continue }
      if let other = steps.first(where: { $0.declaration.name == step.declaration.name }) {
        refuse(step.place, "the step \"\(step.declaration.name)\" stands twice, before at \(other.place)")
      } else {
        steps.append(step)
      }
    }
    return steps
  }

  /// `- sync: {…}`, `- learn:` or `- learn`.
  private mutating func step(_ item: Node) -> JobFile.Step? {
    let pairs = item.mapping.map { Array($0) } ?? []
    guard let head = item.scalar == nil ? pairs.first?.key : item, pairs.count <= 1, let name = head.string else {
      let hint = pairs.dropFirst().first.map { "; is \"\(shown($0.key))\" to stand two columns further right?" } ?? ""
      refuse(place(pairs.dropFirst().first?.key ?? item), "a step is one name with its parameters below it\(hint)")
      return nil
    }
    guard let declaration = declarations.first(where: { $0.name == name }) else {
      let available = declarations.map(\.name).joined(separator: ", ")
      if JobFile.stepNames.contains(name) {
        refuse(place(head), "the step \"\(name)\" is not available in this version; there are \(available)")
      } else if let meant = nearestName(to: name, among: JobFile.stepNames) {
        refuse(place(head), "unknown step \"\(name)\"; did you mean \"\(meant)\"?")
      } else {
        refuse(place(head), "unknown step \"\(name)\"; there are \(available)")
      }
      return nil
    }
    var step = JobFile.Step(declaration: declaration, place: place(head), settings: [])
    guard let body = pairs.first?.value, !isNothing(body) else { return step }
    guard let parameters = body.mapping else {
      refuse(place(body), "the parameters of \"\(name)\" are a mapping, such as \"\(example(declaration))\"")
      return step
    }
    // As each key is written: a flag may be by its opposite.
    var names: [String: String] = [:]
    for (key, value) in parameters {
      guard let setting = setting(key, value, of: declaration) else { continue }
      if let other = names[setting.key] {
        refuse(setting.place, "\"\(shown(key))\" says again what \"\(other)\" says")
      } else {
        names[setting.key] = shown(key)
        step.settings.append(setting)
      }
    }
    return step
  }

  private func example(_ declaration: StepDeclaration) -> String {
    guard let key = declaration.keys.first(where: \.isFlag) else { return "key: value" }
    return "\(key.name): true"
  }

  private mutating func setting(_ key: Node, _ node: Node, of step: StepDeclaration) -> JobFile.Setting? {
    guard let name = key.string, let declared = step.key(name) else {
      refuse(place(key), unknown(shown(key), of: step))
      return nil
    }
    guard let values = values(node, of: declared) else { return nil }
    // A variable that gave nothing: as if the key were not there.
    let written = values.filter { !$0.text.isEmpty }.map { name == declared.opposite ? $0.negated : $0 }
    guard !written.isEmpty || values.isEmpty else { return nil }
    return JobFile.Setting(key: declared.name, place: place(key), values: written)
  }

  private mutating func values(_ node: Node, of key: StepDeclaration.Key) -> [JobFile.Value]? {
    guard key.isRepeated else {
      guard let value = scalar(node, of: key.name) else { return nil }
      return [value]
    }
    guard let sequence = node.sequence else {
      refuse(place(node), "\"\(key.name)\" is a list: \"\(key.name): [\(node.string ?? "…")]\"")
      return nil
    }
    var values: [JobFile.Value] = []
    for item in sequence { if let value = scalar(item, of: key.name) { values.append(value) } }
    return values
  }

  /// A single value with the environment put in; nil, and a fault, when it is none.
  private mutating func scalar(_ node: Node, of key: String) -> JobFile.Value? {
    guard let written = node.scalar else {
      refuse(place(node), "\"\(key)\" takes one value, not a \(node.isSequence ? "list" : "mapping")")
      return nil
    }
    guard !isNothing(node) else {
      refuse(place(node), "\"\(key)\" has no value")
      return nil
    }
    do throws(VariableFault) {
      let expanded = try expand(written.string, environment)
      return JobFile.Value(
        text: expanded.text, place: place(node), variable: expanded.variable,
        isOfFile: !expanded.beginsWithVariable)
    } catch {
      refuse(place(node), "\"\(key)\": \(error.message)")
      return nil
    }
  }

  private func isNothing(_ node: Node) -> Bool {
    guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  // MARK: Places and faults

  private var start: JobPlace { .file(path, line: 1, column: 1) }

  private func place(_ node: Node) -> JobPlace {
    node.mark.map { .file(path, line: $0.line, column: $0.column) } ?? start
  }

  private func shown(_ key: Node) -> String { key.string ?? (key.isSequence ? "[…]" : "{…}") }

  private mutating func refuse(_ place: JobPlace, _ message: String) { faults.append(JobFault(place, message)) }

  private func fault(_ error: YamlError) -> JobFault {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let why = (context.map { "\($0.text), " } ?? "") + problem
      return JobFault(.file(path, line: mark.line, column: mark.column), "no YAML: \(why)")
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let mark = secondPlace(of: key, from: context.mark)
      return JobFault(.file(path, line: mark.line, column: mark.column), "the key \"\(key)\" stands twice")
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0).split(separator: "\n", omittingEmptySubsequences: false)
      let place = JobPlace.file(path, line: max(1, before.count), column: (before.last?.count ?? 0) + 1)
      return JobFault(place, "no YAML: \(problem)")
    default: return JobFault(start, "no YAML: \(error)")
    }
  }

  /// Where a key stands again in the mapping that begins at `mark`; the mapping's own place where that does not show.
  private func secondPlace(of key: String, from mark: Mark) -> (line: Int, column: Int) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    var isSecond = false
    for line in lines.indices.dropFirst(mark.line - 1) {
      // The first line of a mapping may stand behind the "-" of a list.
      let written = lines[line].unicodeScalars.dropFirst(mark.column - 1)
      guard String(written).hasPrefix(key + ":"),
        line == mark.line - 1 || lines[line].unicodeScalars.prefix(mark.column - 1).allSatisfy({ $0 == " " })
      else { continue }
      if isSecond { return (line + 1, mark.column) }
      isSecond = true
    }
    return (mark.line, mark.column)
  }
}

/// That a step has no such key, and which may have been meant.
func unknown(_ key: String, of step: StepDeclaration) -> String {
  "unknown key \"\(key)\" of \(step.name)\(suggestion(for: key, among: step.names))"
}

extension Node {
  fileprivate var isSequence: Bool { sequence != nil }
}
