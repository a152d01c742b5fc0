internal import Stores

/// A job as it will be run: every parameter with its value and where that comes from. Nothing was touched to make it.
public struct JobPlan: Sendable {
  public struct Parameter: Sendable, Equatable {
    public let key: String
    /// None where the command decides by itself, or does without.
    public let values: [String]
    /// Of each value; of a parameter without any the only one.
    let origins: [ParameterOrigin]
    /// What people read where there is no value.
    let note: String

    /// Of the first value, which for all but lists is the only one.
    public var origin: ParameterOrigin { origins.first ?? .standard }
  }

  public struct Step: Sendable {
    public let name: String
    /// In the order of the command's help.
    public let parameters: [Parameter]
    /// What the subcommand would be given on the command line.
    public let arguments: [String]
  }

  /// The path of the job file, as it was given.
  public let path: String
  public let job: String
  public let store: Parameter
  public let state: Parameter
  public let steps: [Step]

  /// Reads, completes and checks a job.
  ///
  /// - Parameters:
  ///   - path: of the job file; relative paths in it count from its folder.
  ///   - yaml: the file's text.
  ///   - overrides: in the order of the command line.
  ///   - declarations: the steps that this version has.
  ///   - now: the clock of the run, as text, for every step that has `as-of` and is not told another.
  /// - Throws: all faults that can be found without touching anything.
  public init(
    _ path: String, yaml: String, overrides: [JobOverride] = [], declarations: [StepDeclaration],
    environment: [String: String], now: String
  ) throws(JobRefusal) {
    var reader = JobFileReader(path: path, declarations: declarations, environment: environment)
    var file = reader.read(yaml)
    var faults = reader.faults + file.apply(overrides)
    let paths = PathResolver(folder: file.folder)

    self.path = path
    job = file.name
    store = Self.common("store", of: file, paths, variable: "MIXDOWN_STORE", environment, note: "none", &faults)
    let place = store.values.first.map { RunArchive.standard($0, environment) } ?? "none"
    state = Self.common("state", of: file, paths, variable: "MIXDOWN_STATE", environment, note: place, &faults)
    let top = JobPlace.file(path, line: 1, column: 1)
    if let name = store.values.first {
      do throws(StoreError) { try checkAddress(name) } catch {
        let settings = (file.settings + file.steps.flatMap(\.settings)).filter { $0.key == "store" }
        let written = settings.compactMap(\.values.first).first { !$0.text.isEmpty }
        faults.append(JobFault(written?.place ?? top, "the store: \(error)"))
      }
    } else if reader.faults.isEmpty {
      faults.append(JobFault(top, "the job names no \"store\", nor does MIXDOWN_STORE or --store"))
    }
    var steps: [Step] = []
    for step in file.steps {
      var draft = StepDraft(step, common: [store, state], paths, now: now)
      draft.check(&faults, isWhole: reader.faults.isEmpty)
      steps.append(Step(name: step.declaration.name, parameters: draft.parameters, arguments: draft.arguments))
    }
    self.steps = steps
    guard faults.isEmpty else { throw JobRefusal(faults: faults.sorted(by: Self.precedes)) }
  }

  /// A parameter of the whole job, which stands at the top or in a step; several must agree.
  ///
  /// - Parameter note: what people read where there is no value.
  private static func common(
    _ key: String, of file: JobFile, _ paths: PathResolver, variable: String, _ environment: [String: String],
    note: String, _ faults: inout [JobFault]
  ) -> Parameter {
    let settings = (file.settings + file.steps.flatMap(\.settings)).filter { $0.key == key }
    let values = settings.compactMap(\.values.first).filter { !$0.text.isEmpty }
    guard let first = values.first else {
      if let value = environment[variable], !value.isEmpty {
        return Parameter(key: key, values: [value], origins: [.environment(variable, nil)], note: "")
      }
      return Parameter(key: key, values: [], origins: [.standard], note: note)
    }
    let path = paths.path(first)
    for other in values.dropFirst() where !paths.path(other).isSame(as: path) {
      faults.append(JobFault(other.place, "a job has one \(key), and \(first.place) names \(withoutPassword(path))"))
    }
    return Parameter(key: key, values: [path], origins: [first.origin], note: "")
  }

  /// Faults in the order of the file, then those of the command line.
  private static func precedes(_ one: JobFault, _ other: JobFault) -> Bool {
    switch (one.place, other.place) {
    case (.file(_, let line, let column), .file(_, let otherLine, let otherColumn)):
      (line, column) < (otherLine, otherColumn)
    case (.file, .commandLine): true
    case (.commandLine, _): false
    }
  }
}

// MARK: Text

extension JobPlan {
  /// The plan for a person: a line each parameter, its value, and where that comes from.
  public var lines: [String] {
    let width = steps.flatMap(\.parameters).map(\.key.count).max() ?? 0
    let values = ([store, state] + steps.flatMap(\.parameters)).flatMap(\.shownValues).map(\.count)
    let valueWidth = min(48, values.max() ?? 0)
    func rows(_ parameter: Parameter) -> [String] {
      zip(parameter.shownValues, parameter.origins).enumerated().map { index, row in
        let key = index == 0 ? parameter.key : ""
        let (value, origin) = row
        return "  \(key.padded(to: width))  \(value.padded(to: valueWidth))  \(origin)"
      }
    }
    var lines = ["job \(job), \(path)"]
    for parameter in [store, state] { lines += rows(parameter) }
    for (number, step) in steps.enumerated() {
      lines.append("step \(number + 1), \(step.name)")
      for parameter in step.parameters where !JobFile.commonKeys.contains(parameter.key) { lines += rows(parameter) }
    }
    return lines
  }
}

extension JobPlan.Parameter {
  fileprivate var shownValues: [String] { values.isEmpty ? ["(\(note))"] : values.map(withoutPassword) }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
