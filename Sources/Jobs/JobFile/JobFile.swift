internal import Stores

/// What a job file says: steps in order, and what each says of its parameters (docs/operations.md).
public struct JobFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// The job's name: `job`, else the file's name without its ending.
  public internal(set) var name: String
  /// `store` and `state`, where they are written.
  var settings: [Setting] = []
  var steps: [Step] = []

  struct Step: Sendable {
    let declaration: StepDeclaration
    let place: JobPlace
    var settings: [Setting]
  }

  /// A key and its value, or its values where it takes several.
  struct Setting: Sendable {
    let key: String
    let place: JobPlace
    var values: [Value]
  }

  struct Value: Sendable, Equatable {
    var text: String
    var place: JobPlace
    /// The variable that gave the value, or a part of it.
    var variable: String?
    /// Whether a path counts from the folder of the job file, and not from the current one. It does where it begins in
    /// the file; a path that comes from the environment or the command line means what it means to other commands.
    var isOfFile = false

    /// The other of `true` and `false`; what is neither stays, and is refused.
    var negated: Value {
      var value = self
      value.text = ["true": "false", "false": "true"][text] ?? text
      return value
    }

    var origin: ParameterOrigin { variable.map { .environment($0, place) } ?? .place(place) }
  }

  /// The folder from which the file's relative paths count.
  var folder: String { parentDirectory(of: path) }

  /// The steps that a job may have, in the order in which it makes sense to run them.
  public static let stepNames = ["setup", "sync", "sessions", "learn", "personalize", "evaluate", "report"]

  /// The keys at the top that are not about one step.
  static let commonKeys = ["store", "state"]
}
