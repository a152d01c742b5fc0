internal import BSON
internal import Library

/// A user of whom a merge of the same dumps would change nothing, and what it would have to report; or one of whom no
/// more is known than that their plays are archived.
struct SettledUser {
  let id: ByteView
  /// Of the dumps: see ``DumpsPrint``. Empty where merging them again might change something: no dumps have that.
  let content: [UInt8]
  /// The same with the files' times, where a dump does not say itself when it was made.
  let stamped: [UInt8]?
  /// The clock of the run that has noted it, in milliseconds since 1970.
  let noted: Int64
  /// The library's `updated_at` on a server, in milliseconds since 1970.
  let version: Int64?
  /// Whether the archive has all plays of the library.
  let isArchived: Bool
  let dumps: Int
  let fates: EntryFates
  /// What the user's plays add to the tally; nil where the run kept none.
  let plays: PlayTally.Share?
  /// Which record of its file it is.
  private(set) var place = 0

  init(
    id: ByteView, content: [UInt8], stamped: [UInt8]?, noted: Int64, version: Int64?, isArchived: Bool, dumps: Int,
    fates: EntryFates, plays: PlayTally.Share?
  ) {
    (self.id, self.content, self.stamped) = (id, content, stamped)
    (self.noted, self.version, self.isArchived) = (noted, version, isArchived)
    (self.dumps, self.fates, self.plays) = (dumps, fates, plays)
  }

  /// A user who is merged every time, and whose plays are archived.
  init(archived id: ByteView, noted: Int64, version: Int64?) {
    self.init(
      id: id, content: [], stamped: nil, noted: noted, version: version, isArchived: true, dumps: 0,
      fates: EntryFates(), plays: nil)
  }

  func write(to writer: inout BSONWriter) {
    let start = writer.open()
    writer.append("user", string: id)
    content.withView { writer.append("content", binary: $0) }
    stamped?.withView { writer.append("stamped", binary: $0) }
    writer.append("noted", date: noted)
    if let version { writer.append("version", date: version) }
    if isArchived { writer.append("archived", bool: true) }
    writer.append("dumps", integer: Int64(dumps))
    writer.append("read", integer: Int64(fates.read))
    writer.append("kept", integer: Int64(fates.kept))
    writer.append("merged", integer: Int64(fates.merged))
    writer.append("superseded", integer: Int64(fates.superseded))
    writer.append("beyond_limit", integer: Int64(fates.beyondLimit))
    plays?.write(to: &writer)
    writer.close(start)
  }

  init?(_ record: BSONDocument, place: Int) {
    do throws(BSONFault) {
      func count(_ key: StaticString) throws(BSONFault) -> Int { Int(try record.value(key)?.integer ?? 0) }
      guard let id = try record.value("user")?.string, let content = try record.value("content")?.binary?.copy(),
        let noted = try record.value("noted")?.date
      else { return nil }
      var fates = EntryFates()
      fates.read = try count("read")
      fates.kept = try count("kept")
      fates.merged = try count("merged")
      fates.superseded = try count("superseded")
      fates.beyondLimit = try count("beyond_limit")
      self.init(
        id: id, content: content, stamped: try record.value("stamped")?.binary?.copy(), noted: noted,
        version: try record.value("version")?.date, isArchived: try record.value("archived")?.bool ?? false,
        dumps: try count("dumps"), fates: fates, plays: try PlayTally.Share(record))
      self.place = place
    } catch {
      return nil
    }
  }
}
