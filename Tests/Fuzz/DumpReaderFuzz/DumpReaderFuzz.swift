import BSON
import Dumps
import Library

/// One for all dumps, so that what one leaves behind meets the next.
private nonisolated(unsafe) let arena = Arena()
private let parameters = MergeParameters(asOf: 1_767_225_600_000)
nonisolated(unsafe) private var reader = unsafe DumpReader(
  arena: arena, limits: Limits(), parameters: parameters, users: .content)
nonisolated(unsafe) private var merge = unsafe Merge(parameters: parameters, arena: arena)

/// What the text says, read anew.
private func replica(_ text: [UInt8]) throws -> Replica {
  let padded = (text + [UInt8](repeating: 0, count: JSONReader.padding)).withView { unsafe arena.copy($0) }
  return try unsafe reader.replica(padded, modifiedAt: 1_760_000_000_000).replica
}

/// libFuzzer calls this with each text that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let text = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  defer { unsafe arena.reset() }
  let padded = (text + [UInt8](repeating: 0, count: JSONReader.padding)).withView { unsafe arena.copy($0) }
  _ = try? unsafe reader.user(padded, pathUser: Array("path".utf8))
  guard let dump = try? replica(text), dump.saysSomething else { return 0 }
  let user = ByteView("listener")
  guard let first = try? unsafe merge.outcome(user: user, stored: nil, dumps: [dump]) else {
    preconditionFailure("a dump that was read cannot be merged")
  }
  precondition(first.fates.isBalanced, "entries are lost or counted twice")
  guard let library = first.document else { return 0 }
  precondition((try? library.validate()) != nil, "the library is no BSON")
  // A dump may name its playlists' local ids in ways that only the cloud's document settles: see docs/merge.md.
  guard dump.playlists == nil, let again = try? replica(text),
    let second = try? unsafe merge.outcome(user: user, stored: library, dumps: [again])
  else { return 0 }
  precondition(second.document == nil, "a second run writes")
  return 0
}
