import Foundation

/// What tests look at in `manifest.json`.
struct Manifest: Decodable {
  struct Figures: Decodable {
    let read: Int
    let used, quarantined, skipped: Int?
    let kept, merged, superseded, beyondLimit, removed: Int?

    /// Whether everything that was read is accounted for.
    var isBalanced: Bool {
      let fates = [used, quarantined, skipped, kept, merged, superseded, beyondLimit, removed]
      return read == fates.reduce(0) { $0 + ($1 ?? 0) }
    }
  }

  struct Counts: Decodable { let dumps, entries: Figures }
  struct Users: Decodable { let seen, changed, unchanged, created, left: Int }
  struct Written: Decodable { let documents: Int }
  struct Learning: Decodable {
    let users: Users
    let unusable: Int
  }
  struct Input: Decodable {
    let path: String
    let bytes: Int
    let sha256: String?
    let finished: Bool
    let resumed: Bool?
  }

  let runId, job, version, host, store, outcome: String
  let process: Int32
  let parameters: [String: String]
  let exitStatus: Int32?
  let error: String?
  let asOf: String?
  let inputs: [Input]
  let counts: Counts
  let users: Users
  let quarantine: [String: Int]
  let left: [String: Int]
  let spilledRuns: Int
  let settledUsers: Int
  let nextUser: String?
  let bytesRead, peakMemoryBytes: Int
  let attempts: Int?
  let written: Written?
  let learning: Learning?

  static func read(_ json: Data) throws -> Manifest { try snakeCase.decode(Manifest.self, from: json) }
}

/// A line of `quarantine.ndjson`.
struct QuarantineLine: Decodable {
  struct Source: Decodable {
    let input: String
    let entry: String?
    let line: Int?
  }

  let runId: String
  let source: Source
  let userId, section: String?
  let index: Int?
  let reason, detail: String
  let size, offset: Int?

  static func read(_ json: Data) throws -> QuarantineLine { try snakeCase.decode(QuarantineLine.self, from: json) }

  /// A text that orders lines as a reader would.
  var order: String {
    let place = "\(source.input) \(source.entry ?? "") \(source.line ?? 0)"
    return "\(place) \(userId ?? "") \(section ?? "") \(index ?? -1) \(reason) \(detail)"
  }
}

private let snakeCase: JSONDecoder = {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return decoder
}()
