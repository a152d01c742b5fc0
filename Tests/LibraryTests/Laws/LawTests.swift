import BSON
import Library
import Randomness
import Testing

/// The laws of the merge (docs/merge.md), on libraries that chance makes.
@Suite struct Laws {
  @Test func `merge(S) merged again with S is merge(S)`() {
    Trials.hold("idempotent", on: .any) { scene in
      guard scene.hasOneHomeForEachLocalID else { return .skipped }
      var again = scene
      again.cloud = try scene.merged().library
      let second = try again.merged()
      return writesNothing(second, "a second run")
    }
  }

  @Test func `a later run on the same input writes nothing`() {
    Trials.hold("idempotent", on: .any) { scene in
      guard scene.hasOneHomeForEachLocalID else { return .skipped }
      // A dump from after the run is as old as the run, and so grows older with it.
      guard scene.exports.allSatisfy({ ($0.time ?? 0) < scene.parameters.asOf }) else { return .skipped }
      var again = scene
      again.cloud = try scene.merged().library
      again.parameters.asOf += 1
      let second = try again.merged()
      return writesNothing(second, "a later run")
    }
  }

  @Test(arguments: [SceneMaker.Kind.any, .homeless])
  func `what is said of a later run on the same input is what it does`(_ kind: SceneMaker.Kind) {
    Trials.hold("repetition", on: kind, atLeastOneOf: 50) { scene in
      var scene = scene
      // Of whom something was removed nothing is said.
      scene.cloud?["removed"] = nil
      for index in scene.exports.indices { scene.exports[index].library["removed"] = nil }
      let merged = try scene.merged()
      guard let said = merged.again else { return .skipped }
      for later in [0, 1, 90_000 * 60_000] as [Int64] {
        var again = scene
        again.cloud = merged.library
        again.exports.reverse()
        again.parameters.asOf += later
        let second = try again.merged()
        if second.isWritten { return .broken("a run \(later) ms later writes \(second.changed)") }
        if second.fates != said { return .broken("it counts \(second.fates), not \(said)") }
        if second.again != said { return .broken("of the run after it is said \(String(describing: second.again))") }
      }
      return .holds
    }
  }

  @Test func `any order of the dumps gives the same bytes`() {
    Trials.hold("order-free", on: .any) { scene in
      let merged = try scene.merged()
      var maker = SceneMaker(seed: UInt64(scene.exports.count))
      for _ in 0..<3 {
        var other = scene
        other.exports = maker.shuffled(scene.exports)
        let permuted = try other.merged()
        if permuted.bytes != merged.bytes { return .broken("another order gives\n\(permuted.library ?? nil)") }
        if permuted.fates != merged.fates {
          return .broken("another order counts \(permuted.fates), not \(merged.fates)")
        }
      }
      return .holds
    }
  }

  @Test func `nothing is lost`() {
    Trials.hold("nothing lost", on: .any) { scene in
      let merged = try scene.merged()
      guard merged.fates.isBalanced else { return .broken("\(merged.fates)") }
      return try Losses(scene, merged).first.map(Verdict.broken) ?? .holds
    }
  }

  @Test func `merging A and then B gives what both at once give`() {
    Trials.hold("split runs", on: .splittable) { scene in
      guard scene.isSplittable else { return .skipped }
      var maker = SceneMaker(seed: UInt64(scene.description.utf8.count))
      let (first, rest) = maker.halves(scene.exports)
      var (one, two) = (scene, scene)
      one.exports = first
      two.exports = rest
      two.cloud = try one.merged().library
      let (split, whole) = (try two.merged(), try scene.merged())
      return essence(split) == essence(whole)
        ? .holds
        : .broken(
          "\(first.count) dumps first, then \(rest.count):\n\(essence(split))\nat once:\n\(essence(whole))")
    }
  }

  @Test func `replace settles too, whatever the order of the dumps`() {
    Trials.hold("replace", on: .any) { scene in
      guard scene.hasOneHomeForEachLocalID else { return .skipped }
      var scene = scene
      scene.parameters.mode = .replace
      scene.parameters.allowEmpty = true
      let merged = try scene.merged()
      guard merged.fates.isBalanced else { return .broken("\(merged.fates)") }
      var again = scene
      again.cloud = merged.library
      again.exports.reverse()
      let second = try again.merged()
      return writesNothing(second, "a second run")
    }
  }

  // MARK: Views

  private func writesNothing(_ merged: Merged, _ run: String) -> Verdict {
    guard merged.isWritten else { return .holds }
    let fields = merged.changed.map { "\($0): \(merged[$0]?.description ?? "absent")" }
    return .broken("\(run) writes \(merged.changed): \(fields.joined(separator: "\n"))")
  }

  /// What the law of split runs speaks of: favourites, plays, and playlists with ids, songs and times.
  private func essence(_ merged: Merged) -> Value {
    func parts(_ list: Value?, _ names: [String]) -> Value {
      .array(
        (list?.items ?? []).map { entry in
          var part: Value = [:]
          for name in names { part[name] = entry[name] }
          if let id = entry["videoId"] {
            part["song"] = id
          } else if let title = entry["title"]?.text {
            part["song"] = .string((title + "\u{1F}" + (entry["artist"]?.text ?? "")).lowercased())
          }
          return part
        })
    }
    let playlists = (merged["playlists"]?.items ?? []).map { playlist in
      var part: Value = [:]
      for name in ["id", "song_count", "created_at", "updated_at", "client_ids"] { part[name] = playlist[name] }
      let songs = parts(playlist["songs"], ["addedAt"]).items ?? []
      part["songs"] = .array(songs.sorted { $0.description < $1.description })
      return part
    }
    return [
      "favorites": parts(merged["favorites"], ["addedAt"]),
      "history": parts(merged["history"], ["playedAt", "completionRate"]),
      "playlists": .array(playlists),
    ]
  }
}
