internal import BSON
internal import Stores

/// The documents of runs in a store's `job_runs`.
struct RunDocuments {
  private let runs: any StoredCollection

  init(_ store: any Store) throws(StoreError) { runs = try store.open(.jobRuns) }

  /// The manifests of runs.
  ///
  /// - Parameter isSought: tells by its id whether a run is asked for.
  /// - Returns: also what somebody has to look at, as lines for a person.
  func manifests(where isSought: (String) -> Bool) throws(StoreError) -> (manifests: [Manifest], notes: [String]) {
    var (manifests, notes): ([Manifest], [String]) = ([], [])
    try runs.cursor(updatedSince: nil).forEachDocument { document in
      // Leases are no runs.
      guard let id = document.text(runs.schema.key)?.string, RunID.isValid(id), isSought(id) else { return }
      if let manifest = Manifest(document) {
        manifests.append(manifest)
      } else {
        notes.append(
          "the \(runs.schema.name) document of \(id) in \(runs.name) is none that this version can read: look yourself "
            + "whether the run has written a user back who is forgotten")
      }
    }
    return (manifests, notes)
  }

  private static let named: Set = ["inputs", "error", "next_user", "learning"]

  /// Takes forgotten users out of them. A document that somebody else writes at this moment is read again.
  ///
  /// - Returns: what somebody has to look at, as lines for a person.
  func clean(_ traces: Traces) throws(StoreError) -> [String] {
    for _ in 1...Conflicts.mostTries {
      if let notes = try cleanOnce(traces) { return notes }
    }
    throw .locked(path: runs.name, holder: "somebody who writes job_runs at this moment; forget the users again")
  }

  /// - Returns: nil when somebody else has written one of the documents since it was read.
  private func cleanOnce(_ traces: Traces) throws(StoreError) -> [String]? {
    let arena = Arena()
    var notes: [String] = []
    let cursor = try runs.cursor(updatedSince: nil)
    var changes: [DocumentChange] = []
    while true {
      let documents = try cursor.next(upTo: 8 << 20, in: arena)
      guard !documents.isEmpty else { break }
      for document in documents {
        guard let key = document.text(runs.schema.key) else { continue }
        var writer = BSONWriter()
        do throws(BSONFault) {
          try Self.copy(document, to: &writer, traces) { Self.named.contains($0) }
        } catch {
          notes.append(Traces.note(on: "the \(runs.schema.name) document of \(key.string) in \(runs.name)", error))
          continue
        }
        guard writer.view != document.bytes else { continue }
        changes.append(
          DocumentChange(key: key, stored: document, document: BSONDocument(unchecked: arena.copy(writer.view))))
      }
    }
    guard !changes.isEmpty else { return notes }
    let writer = try runs.beginWriting(.any)
    let conflicts = try writer.write(changes)
    try writer.commit()
    return conflicts.isEmpty ? notes : nil
  }

  /// Copies a document with another word in the place of every id.
  ///
  /// - Parameter mayName: whether the texts of a field may name somebody; in a manifest only those of some do.
  private static func copy(
    _ document: BSONDocument, to writer: inout BSONWriter, _ traces: Traces, depth: Int = 0,
    mayName: (String) -> Bool
  ) throws(BSONFault) {
    try BSONDocument.check(depth: depth)
    let start = writer.open()
    var elements = document.elements
    while let element = try elements.next() {
      let key = element.key.string
      if mayName(key), let text = element.value.string {
        writer.key(element.key, .string)
        traces.redacted(text.copy()).withView { writer.put(string: $0) }
      } else if let nested = element.value.document ?? element.value.array {
        writer.key(element.key, element.value.type)
        let isNamed = mayName(key)
        if key == "parameters" {
          try copy(nested, to: &writer, traces, depth: depth + 1, mayName: Manifest.mayName(parameter:))
        } else {
          try copy(nested, to: &writer, traces, depth: depth + 1) { isNamed || mayName($0) }
        }
      } else {
        writer.append(element.key, element.value)
      }
    }
    writer.close(start)
  }
}
