internal import Foundation
internal import Glibc
public import Stores

/// The folder in which a run leaves what it did: `<state>/<run_id>/`, mode 0700, its files 0600.
struct RunFolder {
  let path: String
  /// The state directory, in which runs keep what the next one begins with.
  let state: String

  /// Creates the folder, and the state directory where it is missing.
  init(state: String, run: RunID) throws(StoreError) {
    self.state = state
    path = state + "/" + run.description
    try makeDirectory(path, mode: 0o700)
    // Where there is none it is seen soon enough.
    try? PosixFile(room, O_RDWR | O_CREAT, mode: 0o600, operation: "create").reserve(Self.roomSize)
  }

  /// A folder that is there.
  init(path: String) {
    self.path = path
    state = parentDirectory(of: path)
  }

  /// Room on the disk for what a run says at its end, of whatever else fills the disk meanwhile.
  private var room: String { path + "/room" }
  /// In bytes; a manifest with a hundred inputs takes less.
  private static let roomSize = 64 << 10

  /// Gives the room back, to be used at once.
  func releaseRoom() { removeFile(room) }

  var quarantine: String { path + "/quarantine.ndjson" }
  var journal: String { path + "/journal.bson" }
  /// What was read of the inputs of a run that has not ended.
  var resume: String { path + "/resume" }

  func removeSpool() { try? FileManager.default.removeItem(atPath: resume) }

  /// The store's files as they were.
  var before: String { path + "/before" }

  /// Makes those files the owner's alone, as all else in the folder, but for one that the store still has: it is the
  /// same file, and its mode is the store's.
  func closeBefore() {
    let manager = FileManager.default
    for name in (try? manager.contentsOfDirectory(atPath: before)) ?? [] {
      let file = before + "/" + name
      let names = (try? manager.attributesOfItem(atPath: file))?[.referenceCount] as? Int
      // Where that fails the folder's own mode keeps others out.
      if names == 1 { try? manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file) }
    }
  }

  /// The manifest; nil when there is none that can be read.
  var manifest: Manifest? {
    guard let json = FileManager.default.contents(atPath: path + "/manifest.json") else { return nil }
    return try? JSONDecoder().decode(Manifest.self, from: json)
  }

  /// Whether a later attempt of the run than the one of this manifest has the folder.
  func isTaken(from manifest: Manifest) -> Bool { self.manifest?.isLaterAttempt(than: manifest) == true }

  /// Writes the manifest, whole or not at all; on a full disk over the one that is there, which takes no more room than
  /// it lacks. That room is taken first: where there is none, the one that is there stays. Killed while it is written
  /// over, a run leaves neither.
  func write(_ manifest: Manifest) throws(StoreError) {
    let (json, path) = (try manifest.json() + [0x0A], path + "/manifest.json")
    do throws(StoreError) {
      try writeWhole(json, to: path)
    } catch .inputOutput(_, _, let code)
      where (code == ENOSPC || code == EDQUOT) && FileManager.default.fileExists(atPath: path)
    {
      let file = try PosixFile(path, O_WRONLY)
      try file.reserve(json.count)
      try file.write(json)
      try file.truncate(to: json.count)
    }
  }
}

extension Manifest {
  /// The manifest as it stands in its file.
  public func json() throws(StoreError) -> [UInt8] {
    guard let json = try? JSONEncoder.steady(isIndented: true).encode(self) else {
      throw .inconsistent(path: store, why: "the manifest cannot be written as JSON")
    }
    return [UInt8](json)
  }
}
