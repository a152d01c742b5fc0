internal import Foundation

/// A step whose parameters are completed and checked by the subcommand's own parser.
struct StepDraft {
  private let step: JobFile.Step
  private let paths: PathResolver
  private(set) var parameters: [JobPlan.Parameter] = []

  /// - Parameters:
  ///   - common: the store and the state directory, which all steps share.
  ///   - now: the clock of the run.
  init(_ step: JobFile.Step, common: [JobPlan.Parameter], _ paths: PathResolver, now: String) {
    self.step = step
    self.paths = paths
    parameters = step.declaration.keys.map { key in
      if let shared = common.first(where: { $0.key == key.name }) { return shared }
      guard let setting = setting(of: key) else {
        let isClock = key.name == "as-of"
        let standard = key.standard ?? (key.isFlag ? "false" : isClock ? now : nil)
        return JobPlan.Parameter(
          key: key.name, values: standard.map { [$0] } ?? [], origins: [.standard], note: key.describedStandard)
      }
      let values = setting.values.map { key.isPath ? paths.path($0) : $0.text }
      let origins = setting.values.isEmpty ? [.place(setting.place)] : setting.values.map(\.origin)
      return JobPlan.Parameter(key: key.name, values: values, origins: origins, note: "none")
    }
  }

  /// The equivalent of the parameters on the command line.
  var arguments: [String] { arguments(without: []) }

  /// Adds what is wrong with the parameters. After a fault the others are checked without that parameter.
  ///
  /// - Parameter isWhole: whether all that is written was understood; else what misses may be there.
  mutating func check(_ faults: inout [JobFault], isWhole: Bool) {
    var refused: Set<String> = []
    for key in step.declaration.keys {
      guard let setting = setting(of: key), !JobFile.commonKeys.contains(key.name) else { continue }
      if key.isFlag, let value = setting.values.first, !["true", "false"].contains(value.text) {
        faults.append(fault(value, of: key))
        refused.insert(key.name)
      }
      if key.isRead {
        for value in setting.values { if let missing = paths.missing(value) { faults.append(missing) } }
      }
    }
    while let complaint = step.declaration.complaint(arguments(without: refused)) {
      guard let key = blamed(complaint, except: refused), let setting = setting(of: key) else {
        // Without what was refused, the rest may well not do.
        if isWhole, refused.isEmpty { faults.append(JobFault(step.place, "\(step.declaration.name): \(complaint)")) }
        return
      }
      refused.insert(key.name)
      let value = setting.values.first ?? JobFile.Value(text: "", place: setting.place)
      let isOfWrongType = step.declaration.refusedKey(complaint) == key.name
      faults.append(isOfWrongType ? fault(value, of: key) : JobFault(value.place, complaint))
    }
  }

  private func fault(_ value: JobFile.Value, of key: StepDeclaration.Key) -> JobFault {
    let kind = step.declaration.kind(of: key)
    var message = "\"\(key.name)\" of \(step.declaration.name): \"\(value.text)\" is not \(kind)"
    switch kind {
    case .choice(let choices):
      if let nearest = nearestName(to: value.text, among: choices) { message += "; did you mean \"\(nearest)\"?" }
    case .quantity: if let standard = key.standard { message += ", such as \(standard)" }
    case .flag, .wholeNumber, .number, .text: break
    }
    return JobFault(value.place, message)
  }

  /// The key that somebody wrote and that a complaint of the parser is about.
  private func blamed(_ complaint: String, except refused: Set<String>) -> StepDeclaration.Key? {
    let named = step.declaration.keys.filter { key in
      guard !refused.contains(key.name), setting(of: key) != nil else { return false }
      return complaint.ranges(of: "--" + key.name).contains { range in
        let next = complaint[range.upperBound...].first
        return next != "-" && next?.isLetter != true && next?.isNumber != true
      }
    }
    if let key = named.first { return key }
    // A complaint that names none is about the one without which it is gone.
    return step.declaration.keys.first { key in
      guard !refused.contains(key.name), setting(of: key) != nil, !key.isArguments else { return false }
      return step.declaration.complaint(arguments(without: refused.union([key.name]))) == nil
    }
  }

  private func setting(of key: StepDeclaration.Key) -> JobFile.Setting? {
    step.settings.first { $0.key == key.name }
  }

  private func arguments(without refused: Set<String>) -> [String] {
    var arguments: [String] = []
    var operands: [String] = []
    for (key, parameter) in zip(step.declaration.keys, parameters) where !refused.contains(key.name) {
      let isGiven = parameter.origin != .standard || key.name == "as-of"
      guard isGiven else { continue }
      if key.isArguments {
        operands += parameter.values
      } else if key.isFlag {
        let flag = parameter.values == ["true"] ? key.name : key.opposite
        if let flag { arguments.append("--" + flag) }
      } else {
        arguments += parameter.values.map { "--\(key.name)=\($0)" }
      }
    }
    return operands.isEmpty ? arguments : arguments + ["--"] + operands
  }
}

extension StepDeclaration.Key {
  /// What the help says that counts where nothing is given.
  fileprivate var describedStandard: String {
    guard let found = abstract.firstRange(of: "Default: ") else { return "none" }
    let text = abstract[found.upperBound...]
    return String(text.last == "." ? text.dropLast() : text)
  }
}
