import BSON
import Randomness
import Testing

@testable import Sync

/// Texts that wait for their turn share blocks of memory.
@Suite struct DumpTextTests {
  @Test(arguments: [16 << 20, 1 << 30])
  func `texts stay what they were, whichever goes first`(memory: Int) {
    var random = SeededRandom(seed: Trials.seed)
    var room = TextRoom(memory: memory)
    var kept: [(text: DumpText, bytes: [UInt8])] = []
    for round in 0..<3_000 {
      let size = random.below(random.pick([1, 100, 10_000, random.percent(1) ? 3 << 20 : 1_000]))
      let bytes = [UInt8](repeating: random.byte(), count: size)
      kept.append((room.copy(bytes), bytes))
      if random.percent(60) { kept.remove(at: random.below(kept.count)) }
      if round % 500 == 0 { room = TextRoom(memory: memory) }
    }
    for (text, bytes) in kept {
      #expect(text.count == bytes.count)
      let isSame = text.copy() == bytes
      #expect(isSame, "MIXDOWN_SEED=\(Trials.seed), a text of \(bytes.count) bytes")
    }
  }

  @Test func `no text is no bytes`() {
    #expect(DumpText.empty.count == 0)
    #expect(DumpText([]).copy().isEmpty)
    var room = TextRoom(memory: 16 << 20)
    #expect(room.copy([]).copy().isEmpty)
  }
}
