public import Dumps

/// What was generated.
public struct GeneratedSummary: Sendable, Equatable {
  public internal(set) var users = 0
  /// Documents in `user_library`.
  public internal(set) var cloudDocuments = 0
  /// Bytes of `user_library.bson`.
  public internal(set) var cloudBytes = 0
  /// Documents in `users`.
  public internal(set) var accounts = 0
  public internal(set) var dumps = 0
  /// Bytes of the dumps' JSON, before any compression.
  public internal(set) var dumpBytes = 0
  public internal(set) var damagedDumps = 0
  /// How many dumps there are of each shape.
  public internal(set) var shapes: [DumpShape: Int] = [:]
  /// The files and folders in `exports/`, ascending.
  public internal(set) var exports: [String] = []
}

/// How far the work has come.
public struct GeneratorProgress: Sendable {
  public enum Stage: String, Sendable {
    case cloud, exports
  }

  public let stage: Stage
  /// Users done of this stage.
  public let users: Int
  public let total: Int
}
