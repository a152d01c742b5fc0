internal import Stores

/// Why nothing, or not everything, was generated.
public enum GeneratorError: Error, Equatable, Sendable {
  /// An option outside of what makes sense.
  case invalidOption(name: String, value: String, allowed: String)
  /// The output folder has something in it already: nothing is overwritten.
  case notEmpty(path: String)
  /// The system refused a file operation.
  case inputOutput(path: String, operation: String, code: Int32)
  /// An archive could not be written.
  case archive(path: String, why: String)
}

extension GeneratorError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidOption(let name, let value, let allowed): "\(name) is \(value), but must be \(allowed)."
    case .notEmpty(let path): "\(path) is not empty. Name a new folder: nothing is overwritten."
    case .inputOutput(let path, let operation, let code): "\(path): cannot \(operation): \(systemMessage(code))"
    case .archive(let path, let why): "\(path): the archive could not be written: \(why)"
    }
  }
}
