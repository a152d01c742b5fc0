internal import Stores

/// Looks at a store that is a directory.
struct DirectoryExamination {
  private let store: DirectoryStore
  private var report = DoctorReport()

  init(_ path: String) { store = DirectoryStore(path, lock: nil) }

  func run() -> DoctorReport {
    var examination = self
    examination.examine()
    return examination.report
  }

  private mutating func examine() {
    let facts: DirectoryFacts
    do throws(StoreError) {
      guard let found = try store.facts() else {
        report.bad(
          "folder \(store.name)", "there is none", "Check the spelling. `mixdown setup` and a sync make one.",
          .inputOutput)
        return
      }
      facts = found
    } catch {
      report.bad("folder \(store.name)", error)
      return
    }
    guard facts.isDirectory else {
      report.bad("folder \(store.name)", "it is a file", "Name the folder that holds user_library.bson.", .inputOutput)
      return
    }
    examineRights(facts)
    guard facts.isReadable else { return }
    do throws(StoreError) { try store.checkIsDatabase() } catch { return report.bad("folder \(store.name)", error) }
    examineLock()
    let sizes = CollectionSchema.all.map { examine($0) } + [examineUsers()]
    examineRoom(facts, largest: sizes.max() ?? 0)
  }

  private mutating func examineRights(_ facts: DirectoryFacts) {
    let part = "folder \(store.name)"
    switch (facts.isReadable, facts.isWritable) {
    case (true, true): report.good(part, "is there, can be read and written")
    case (true, false):
      report.bad(
        part, "can be read, but not written",
        "Give this user the right to write, or mount the volume for writing; a dry run and inspect work as it is.",
        .inputOutput)
    default: report.bad(part, "cannot be read", "Give this user the right to read and enter it.", .inputOutput)
    }
  }

  private mutating func examineLock() {
    do throws(StoreError) {
      if let holder = try DirectoryLock.holder(of: store.name) {
        report.note("lock", "held by \(holder)", "Another run ends with status 75 until it is done.")
      } else {
        report.good("lock", "free")
      }
    } catch {
      report.bad("lock", error)
    }
  }

  // MARK: Collections

  /// - Returns: the size of its file, in bytes.
  private mutating func examine(_ schema: CollectionSchema) -> Int {
    do throws(StoreError) {
      guard try store.has(schema.name) else {
        report.note(schema.name, "not there yet", "The job that needs it makes it, and so does `mixdown setup`.")
        return 0
      }
      let collection = try store.collection(schema)
      try examineIndexes(schema, count: collection.count, size: collection.size)
      return collection.size
    } catch {
      report.bad(schema.name, error)
      return 0
    }
  }

  private mutating func examineIndexes(_ schema: CollectionSchema, count: Int, size: Int) throws(StoreError) {
    let text = "\(count) documents, \(size) bytes"
    let present = try StoredMetadata(store, schema).indexes
    let missing = schema.indexes.filter { wanted in !present.contains { $0.serves(wanted) } }
    guard missing.isEmpty else {
      let names = missing.map(\.name).joined(separator: ", ")
      report.bad(
        schema.name, "\(text); indexes missing in metadata.json, or of another definition: \(names)",
        "`mixdown setup` notes them there, and reports what is in their way. Jobs on this folder do without; what "
          + "mongorestore makes of it would lack them.",
        .refused)
      return
    }
    report.good(schema.name, text + ", indexes noted in metadata.json")
  }

  private mutating func examineUsers() -> Int {
    do throws(StoreError) {
      guard try store.has(CollectionSchema.users.name) else { return 0 }
      let users = try store.collection(.users)
      report.good("users", "\(users.count) documents, \(users.size) bytes (the application's own)")
      return users.size
    } catch {
      report.bad("users", error)
      return 0
    }
  }

  private mutating func examineRoom(_ facts: DirectoryFacts, largest: Int) {
    guard let room = facts.room else {
      report.note("room on disk", "the system does not tell")
      return
    }
    if room < largest {
      report.bad(
        "room on disk", "\(room) bytes are free, and a new file of the largest collection needs \(largest)",
        "Make room: a changed collection is written beside the old one before it takes its place.", .inputOutput)
    } else {
      report.good("room on disk", "\(room) bytes are free, the largest collection has \(largest)")
    }
  }
}
