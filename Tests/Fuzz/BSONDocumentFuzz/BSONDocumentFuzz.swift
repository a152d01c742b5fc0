import BSON
import Library

/// One for all documents, so that what one leaves behind meets the next.
private nonisolated(unsafe) let arena = Arena()
nonisolated(unsafe) private var merge = unsafe Merge(
  parameters: MergeParameters(asOf: 1_767_225_600_000), arena: arena)

/// libFuzzer calls this with each run of bytes that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  defer { unsafe arena.reset() }
  guard let document = try? BSONDocument(bytes.withView { unsafe arena.copy($0) }) else { return 0 }
  let isWhole = (try? document.validate()) != nil
  var json = JSONText()
  precondition((try? json.document(document)) != nil || !isWhole, "what is whole can be shown")
  var readable = ReadableJSON(date: Instant.text)
  precondition((try? readable.text(document)) != nil || !isWhole, "what is whole can be shown")

  // As the cloud's document: whatever it holds, the merge gives a library or says where it is torn.
  let user = ByteView("listener")
  var dump = Replica(origin: .dump(text: ByteView("{}")), time: 1_760_000_000_000)
  dump.totalSongsPlayed = 1
  guard let first = try? unsafe merge.outcome(user: user, stored: document, dumps: [dump]) else {
    precondition(!isWhole, "a whole document cannot be merged")
    return 0
  }
  precondition(first.fates.isBalanced, "entries are lost or counted twice")
  guard let library = first.document, isWhole else { return 0 }
  precondition((try? library.validate()) != nil, "the library is no BSON")
  guard let second = try? unsafe merge.outcome(user: user, stored: library, dumps: [dump]) else {
    preconditionFailure("what was merged cannot be merged again")
  }
  precondition(second.document == nil, "a second run writes")
  return 0
}
