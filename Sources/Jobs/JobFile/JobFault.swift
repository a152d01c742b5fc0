/// Why a job cannot be run as it is written, and where that stands.
public struct JobFault: Error, Sendable, Equatable {
  public var place: JobPlace
  public var message: String

  public init(_ place: JobPlace, _ message: String) {
    self.place = place
    self.message = message
  }
}

extension JobFault: CustomStringConvertible {
  public var description: String { "\(place): \(message)" }
}

/// A job that is refused before anything is touched; in the order in which a reader meets the faults.
public struct JobRefusal: Error, Sendable {
  public var faults: [JobFault]
}

/// Where something of a job is written.
public enum JobPlace: Sendable, Hashable {
  /// In the job file; line and column are counted from 1, columns in Unicode scalars.
  case file(String, line: Int, column: Int)
  /// On the command line, as it stands there.
  case commandLine(String)
}

extension JobPlace: CustomStringConvertible {
  /// As compilers write it, so that editors can jump there.
  public var description: String {
    switch self {
    case .file(let path, let line, let column): "\(path):\(line):\(column)"
    case .commandLine(let text): text
    }
  }
}

/// Where the value of a parameter comes from.
public enum ParameterOrigin: Sendable, Hashable {
  /// Nobody named it.
  case standard
  case place(JobPlace)
  /// A variable of the environment, named at this place; nil where the program itself looks for it.
  case environment(String, JobPlace?)
}

extension ParameterOrigin: CustomStringConvertible {
  public var description: String {
    switch self {
    case .standard: "default"
    case .place(.file(let path, let line, _)): "\(path):\(line)"
    case .place(.commandLine(let text)): text
    case .environment(let variable, .file(let path, let line, _)?): "\(path):\(line), environment \(variable)"
    case .environment(let variable, _): "environment \(variable)"
    }
  }
}
