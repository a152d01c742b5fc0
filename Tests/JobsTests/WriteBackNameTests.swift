import BSON
import Randomness
import Testing

@testable import Sync

/// What the file is called that is written back for a user (docs/runs.md).
@Suite struct WriteBackNameTests {
  private func name(_ user: String) -> WriteBackName { Array(user.utf8).withView { WriteBackName(user: $0) } }

  @Test(arguments: [
    ("ann", "ann.json"), ("a b%", "a b%.json"), ("100%x", "100%x.json"), ("a@b.c", "a@b.c.json"), ("ö", "ö.json"),
    ("%2F", "%2F.json"),
  ])
  func `most names give the id back`(_ user: String, _ file: String) {
    #expect(name(user).file == file && name(user).namesUser)
  }

  @Test func `a name whose letters are not composed, which some archives compose, is not relied on`() {
    #expect(name("o\u{308}").file == "o\u{308}.json" && !name("o\u{308}").namesUser)
  }

  @Test(arguments: [
    ("a/b", "a%2fb.json"), ("a%2fb", "a%252fb.json"), (".x", "%2ex.json"), ("x\\y", "x%5cy.json"),
    ("%%", "%25%25.json"),
  ])
  func `what is no file's name, or another user's escaped one, is escaped`(_ user: String, _ file: String) {
    #expect(name(user).file == file && !name(user).namesUser)
  }

  @Test func `a name of 240 bytes is a file's, and a longer one is cut and told from others`() {
    let longest = String(repeating: "x", count: 240)
    #expect(name(longest).file == longest + ".json" && name(longest).namesUser)
    let (one, other) = (name(longest + "y"), name(longest + "z"))
    let start = longest.prefix(160) + "%%"
    #expect(one.file.hasPrefix(start) && other.file.hasPrefix(start) && one.file != other.file)
    #expect(one.file.utf8.count == 160 + 2 + 24 + 5 && !one.namesUser)
  }

  @Test func `two users never have one file`() {
    var random = SeededRandom(seed: Trials.seed)
    var users: [String: String] = [:]
    for _ in 0..<50_000 {
      let parts = ["%", "/", "\\", ".", "2", "5", "f", "c", "e", "a"]
      let user = (0...random.below(6)).map { _ in parts[random.below(parts.count)] }.joined()
      let file = name(user).file
      #expect(users.updateValue(user, forKey: file) ?? user == user, "MIXDOWN_SEED=\(Trials.seed): \(user)")
    }
  }
}
