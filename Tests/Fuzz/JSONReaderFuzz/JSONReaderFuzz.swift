import BSON
import Dumps

/// One for all texts, so that what one leaves behind meets the next.
nonisolated(unsafe) private var reader = JSONReader()

/// What became of a text.
private enum Outcome: Equatable {
  case read(JSONValue.Kind, hasNULKeys: Bool, bson: [UInt8])
  case refused(JSONFault)
}

private func read(_ text: some Collection<UInt8>, tail: UInt8 = 0, identityOnly: Bool = false) -> Outcome {
  let padded = Array(text) + [UInt8](repeating: tail, count: JSONReader.padding)
  do throws(JSONFault) {
    let value = try padded.withView { view in
      Result { () throws(JSONFault) in
        try unsafe reader.read(view, maxDepth: 64, identityOnly: identityOnly)
      }
    }.get()
    let arena = Arena()
    let bson = unsafe reader.copyBSON(to: arena).copy()
    return .read(value.kind, hasNULKeys: value.hasNULKeys, bson: bson)
  } catch {
    return .refused(error)
  }
}

/// libFuzzer calls this with each text that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let text = unsafe UnsafeBufferPointer(start: bytes, count: count)
  let outcome = unsafe read(text)
  for tail in #"]}1""#.utf8 {
    precondition(unsafe read(text, tail: tail) == outcome, "what follows a text mattered")
  }
  let identity = unsafe read(text, identityOnly: true)
  // What is quarantined or logged is looked through for tokens, whatever it is.
  _ = unsafe Array(text).withView { $0.mentionsToken }

  switch outcome {
  case .read(let kind, _, let bson):
    precondition((kind == .object || kind == .array) == !bson.isEmpty)
    precondition(bson.isEmpty || declaredLength(bson) == bson.count && bson.last == 0, "the BSON's length is wrong")
    guard case .read(kind, _, _) = identity else { preconditionFailure("a good text has no identity") }
  case .refused(.invalid(let offset)):
    precondition((0...count).contains(offset))
    // Up to there the text was good: cut there, it ends too soon at most.
    let cut = unsafe read(text[..<offset])
    if case .refused(let fault) = cut { precondition(fault == .invalid(offset: offset), "not the first fault") }
  case .refused(.tooDeep(let offset)):
    precondition(unsafe text[offset] == UInt8(ascii: "{") || text[offset] == UInt8(ascii: "["))
  case .refused(.tooLarge):
    preconditionFailure("no text here is large")
  }
  return 0
}

private func declaredLength(_ bson: [UInt8]) -> Int {
  bson.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
}
