import BSON
import Foundation
import Library
import Sync
import Testing

@testable import Jobs

/// A manifest of an older version is read as far as it goes.
@Suite struct ManifestTests {
  /// What the first runs wrote, without the fields that have come since.
  private static let first = """
    {"manifest_version": 1, "run_id": "01M89TR7EBMW1QV46YT6B2R517", "job": "sync", "version": "0.0.1", "host": "h",
    "process": 7, "store": "data/store", "parameters": {"mode": "merge"}, "as_of": "2025-01-01T00:00:00.000Z",
    "started_at": "2025-01-01T00:00:00.000Z", "outcome": "done", "exit_status": 0,
    "inputs": [{"path": "in", "bytes": 5}], "counts": {"dumps": {"read": 2, "used": 2}, "entries": {"read": 1}},
    "users": {"seen": 3, "changed": 3}, "quarantine": {}, "seconds": {"total": 1.5},
    "learning": {"of": "another version"}, "a_field_of_tomorrow": []}
    """

  private func read(_ json: String) throws -> Manifest {
    try JSONDecoder().decode(Manifest.self, from: Data(json.utf8))
  }

  @Test func `fields that have come since may be missing`() throws {
    let manifest = try read(Self.first)
    #expect(manifest.outcome == .done && manifest.users.changed == 3 && manifest.users.left == 0)
    #expect(manifest.counts.dumps.used == 2 && manifest.counts.entries.beyondLimit == 0)
    #expect(manifest.steps.isEmpty && manifest.left.isEmpty && manifest.bytesRead == 0 && manifest.learning == nil)
    #expect(manifest.inputs.map(\.path) == ["in"] && manifest.inputs.allSatisfy { !$0.finished })
    let again = try JSONDecoder().decode(Manifest.self, from: Data(manifest.json()))
    #expect(try again.json() == manifest.json())
  }

  @Test func `a manifest of a newer version is not taken for what it is not`() {
    #expect(throws: DecodingError.self) {
      try read(Self.first.replacing("\"manifest_version\": 1", with: "\"manifest_version\": 2"))
    }
  }

  @Test(arguments: [#""users": {"seen": 3, "changed": 9223372036854775807}"#, #""users": {"created": -1}"#])
  func `figures that no run has counted are not added up`(_ users: String) {
    #expect(throws: DecodingError.self) {
      try read(Self.first.replacing(#""users": {"seen": 3, "changed": 3}"#, with: users))
    }
  }

  @Test(arguments: [(inputs: 3_000, isWhole: true), (9_000, false), (40_000, false)])
  func `job_runs has room for the manifest of a run with very many inputs`(inputs: Int, isWhole: Bool) throws {
    var manifest = try read(Self.first)
    var input = try #require(manifest.inputs.first)
    input.path = String(repeating: "x", count: 950)
    manifest.inputs = Array(repeating: input, count: inputs)
    manifest.parameters["sync.inputs"] = manifest.inputs.map(\.path).joined(separator: ",")
    let text = try ManifestDocument(manifest, updatedAt: 1).bytes
    #expect(text.count < 16 << 20)
    let stored = try #require(try text.withView { bytes in Manifest(try BSONDocument(bytes)) })
    #expect(stored.inputs.count == (isWhole ? inputs : 0))
    #expect(stored.parameters.keys.sorted() == ["mode"] + (isWhole ? ["sync.inputs"] : []))
    #expect(stored.outcome == manifest.outcome && stored.users.changed == 3)
  }

  @Test func `what a step leaves is counted beside what an earlier one has left`() throws {
    var manifest = try read(Self.first)
    manifest.left = ["newer": 1, "conflict": 2]
    manifest.take(SyncSummary())
    #expect(manifest.left == ["newer": 1, "conflict": 2])
    var summary = SyncSummary()
    summary.left = [.conflict: 1, .active: 4]
    manifest.take(summary)
    #expect(manifest.left == ["newer": 1, "conflict": 3, "active": 4])
  }

  @Test(
    arguments: [
      (["dry-run": "true"], true, true), (["dry-run": "false"], false, false), (["mode": "merge"], false, false),
      (["sync.dry-run": "true", "learn.dry-run": "true"], true, true), (["learn.dry-run": "true"], true, false),
      (["sync.dry-run": "true", "learn.dry-run": "false"], false, true),
    ] as [([String: String], Bool, Bool)])
  func `a run is dry when every step is that can be`(_ parameters: [String: String], _ isDry: Bool, _ isSyncDry: Bool)
    throws
  {
    var manifest = try read(Self.first)
    manifest.parameters = parameters
    #expect(manifest.isDryRun == isDry && manifest.isDryRun(of: "sync") == isSyncDry)
    #expect(manifest.isRehearsal == (isDry || isSyncDry))
  }
}
