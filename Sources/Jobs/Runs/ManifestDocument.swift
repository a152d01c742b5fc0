internal import BSON
internal import Dumps
internal import Library
internal import Stores

/// A manifest as a document of `job_runs`: the same fields, times as dates. Of one that is too long for a document the
/// inputs are left out, and so are parameters that are long: the run's folder has them.
struct ManifestDocument {
  /// The whole document.
  let bytes: [UInt8]

  /// How long a manifest may be that goes there whole, in bytes of JSON: half of what a document may have, for how long
  /// it is in BSON is not known yet.
  static let mostBytes = 8 << 20
  /// How long a parameter may be in one that does not, in bytes.
  static let mostBytesOfParameter = 64 << 10

  /// - Parameter updatedAt: names the document's version, in ms since 1970.
  init(_ manifest: Manifest, updatedAt: Int64) throws(StoreError) {
    var text = try manifest.json()
    if text.count > Self.mostBytes { text = try Self.shortened(manifest).json() }
    var reader = JSONReader()
    let arena = Arena()
    var writer = BSONWriter(capacity: text.count + 256)
    do {
      _ = try reader.read(copying: text, maxDepth: 32)
      let whole = reader.copyBSON(to: arena)
      let document = BSONDocument(unchecked: whole)
      let start = writer.open()
      writer.append("_id", string: manifest.runID)
      var elements = document.elements
      while let element = try elements.next() {
        let isTime = [ByteView("started_at"), ByteView("ended_at"), ByteView("as_of")].contains(element.key)
        if isTime, let time = element.value.string.flatMap({ Instant.parse($0) }) {
          writer.key(element.key, .date)
          writer.put(UInt64(bitPattern: time))
        } else {
          writer.append(element.key, element.value)
        }
      }
      writer.append("updated_at", date: updatedAt)
      writer.close(start)
    } catch {
      throw .inconsistent(path: manifest.store, why: "the manifest cannot be written as BSON: \(error)")
    }
    bytes = writer.view.copy()
  }

  private static func shortened(_ manifest: Manifest) -> Manifest {
    var manifest = manifest
    manifest.inputs = []
    manifest.parameters = manifest.parameters.filter { $0.value.utf8.count <= mostBytesOfParameter }
    return manifest
  }

  /// Puts a run's manifest into the store's `job_runs`.
  static func put(_ manifest: Manifest, into store: any Store) throws(StoreError) {
    let runs = try store.open(.jobRuns)
    let arena = Arena()
    let key = arena.copy(Array(manifest.runID.utf8))
    // Another version in between is another attempt of the same run: the later one counts.
    for _ in 1...Conflicts.mostTries {
      let stored = try runs.documents(of: [key], in: arena).first?.first
      let last = ((try? stored?.value("updated_at")) ?? nil)?.date
      let now = Instant.next(after: last, atLeast: try store.now())
      let document = try ManifestDocument(manifest, updatedAt: now)
      let writer = try runs.beginWriting(.any)
      let change = DocumentChange(
        key: key, stored: stored, document: BSONDocument(unchecked: arena.copy(document.bytes)))
      let conflicts = try writer.write([change])
      try writer.commit()
      if conflicts.isEmpty { return }
    }
    throw .inconsistent(path: store.name, why: "somebody else writes the run's document in job_runs again and again")
  }
}
