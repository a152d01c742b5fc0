import BSON
import Foundation
import Randomness
import Stores
import Testing

/// Random stores and changes against the plainest model: a list of documents.
@Suite struct PropertyTests {
  /// `MIXDOWN_SEED` repeats a failure; without it every run tries other stores.
  static let seed =
    ProcessInfo.processInfo.environment["MIXDOWN_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...(.max))

  @Test(arguments: 0..<100)
  func `a commit gives the documents that the model gives`(round: Int) throws {
    var random = SeededRandom(seed: Self.seed &+ UInt64(round))
    let sandbox = try Sandbox()
    let names = Set((0..<Int.random(in: 0...40, using: &random)).map { _ in name(&random) }).sorted {
      $0.bytes < $1.bytes
    }
    var model = names.filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
      .map { (name: $0, bytes: document($0, version: 0, padding: padding(&random))) }
    if !model.isEmpty || Bool.random(using: &random) { try sandbox.put(model.map(\.bytes)) }

    for version in 1...3 {
      let chance = Double.random(in: 0...1, using: &random)
      let changed = names.filter { _ in Double.random(in: 0...1, using: &random) < chance }
      var changes: [[UInt8]] = []
      for place in model.indices where changed.contains(model[place].name) {
        model[place].bytes = document(model[place].name, version: version, padding: padding(&random))
        changes.append(model[place].bytes)
      }
      for name in changed where !model.contains(where: { $0.name == name }) {
        model.append((name, document(name, version: version, padding: padding(&random))))
        changes.append(model[model.count - 1].bytes)
      }

      let store = try sandbox.open()
      let writer = try store.beginWriting(.stored)
      var rest = changes[...]
      while !rest.isEmpty {
        let batch = rest.prefix(Int.random(in: 1...8, using: &random))
        rest = rest.dropFirst(batch.count)
        _ = try writer.write(batch.map { try sandbox.change(store, $0) })
        store.release(before: Int.random(in: 0...store.count, using: &random))
      }
      try writer.commit()
      let isEqual = (sandbox.data ?? []) == joined(model.map(\.bytes))
      #expect(isEqual, "MIXDOWN_SEED=\(Self.seed), round \(round), version \(version)")
    }

    let store = try sandbox.open()
    #expect(try users(of: store) == model.map(\.name), "MIXDOWN_SEED=\(Self.seed), round \(round)")
  }

  private func name(_ random: inout SeededRandom) -> String {
    let letters = ["a", "b", "Z", "é", "日", "😀", " ", "/"]
    return (0..<Int.random(in: 0...9, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }.joined()
  }

  private func padding(_ random: inout SeededRandom) -> Int {
    switch Int.random(in: 0..<40, using: &random) {
    case 0: Int.random(in: 900_000...1_200_000, using: &random)
    case 1...10: Int.random(in: 1_000...20_000, using: &random)
    default: Int.random(in: 0...100, using: &random)
    }
  }
}

extension String {
  /// What users are ordered by.
  fileprivate var bytes: ByteOrder { ByteOrder(bytes: [UInt8](utf8)) }
}

private struct ByteOrder: Comparable {
  let bytes: [UInt8]
  static func < (a: ByteOrder, b: ByteOrder) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}
