import Foundation
import Testing

/// The tokens of a browser are nowhere but in the inputs: neither stored, logged, quarantined nor written back.
@Suite struct SecretTests {
  private static let access = "FAKE-ACCESS-7f3a9c"
  private static let refresh = "FAKE-REFRESH-51be02"
  private static let tokens = #""tldr-access-token": "\#(access)", "tldr-refresh-token": "\#(refresh)""#

  @Test(arguments: ["mongo://u:S3CRET@h/x", "Mongodb://u:S3CRET@h/x", " mongodb://u:S3CRET@h/x", "file:///S3CRET"])
  func `a misspelt address makes no folder, and its password is nowhere`(_ address: String) throws {
    let folder = try TemporaryFolder()
    let input = try folder.write("in/ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let job = try folder.write("job/night.yaml", "store: '\(address)'\nsteps:\n  - sync: {inputs: [../in]}\n")
    let store = ["--store", address]
    let commands: [(arguments: [String], status: Int32)] = [
      (["sync", input] + store, 64), (["setup"] + store, 64), (["doctor"] + store, 64), (["stats", "ann"] + store, 64),
      (["runs"] + store, 64), (["copy", address, "copy"], 64), (["copy", "../in", address], 64),
      (["run", job], 78), (["run", "--check", job], 78),
    ]
    try folder.write("work/here", "")
    for (arguments, status) in commands {
      let change = ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, folder("work"), mixdownBinary]
      let child = try Child(change + arguments, environment: ["XDG_STATE_HOME": folder("xdg")])
      #expect(try child.wait() == .exited(status), "\(arguments): \(child.errors)")
      #expect(!(child.output + child.errors).contains("S3CRET"), "\(child.output)\(child.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder("work")) == ["here"], "\(arguments)")
      #expect(!FileManager.default.fileExists(atPath: folder("xdg")), "\(arguments)")
    }
  }

  /// A dump with both tokens.
  struct Fixture: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var text: String
    var file = "ann.json"

    init(_ name: String, file: String = "ann.json", _ text: String) {
      (testDescription, self.text, self.file) = (name, text, file)
    }
  }

  static let fixtures = [
    Fixture("localStorage", #"{\#(tokens), "tldr-favorites": "[{\"videoId\":\"a\"}]"}"#),
    Fixture("localStorage in an envelope", #"{"user_id": "ann", "data": {\#(tokens), "tldr-queue": "[]"}}"#),
    Fixture("sync request", #"{\#(tokens), "local_favorites": [{"videoId": "a"}]}"#),
    Fixture("library", #"{\#(tokens), "favorites": [{"videoId": "a"}]}"#),
    Fixture("tokens in sections", #"{"favorites": [{"videoId": "a", \#(tokens)}], "preferences": {\#(tokens)}}"#),
    Fixture(
      "tokens in a playlist",
      #"{"playlists": [{"id": "p", \#(tokens), "songs": [{"videoId": "a", \#(tokens)}]}]}"#),
    Fixture("tokens in a bad entry", #"{"favorites": [{\#(tokens)}], "history": [{"videoId": 1, \#(tokens)}]}"#),
    Fixture("tokens in a bad section", #"{"favorites": {\#(tokens)}, "recent_searches": [{\#(tokens)}]}"#),
    Fixture(
      "an escaped name",
      #"{"tldr-access\u002dtoken": "\#(access)", "tldr\u002drefresh-token": ["\#(refresh)"]}"#),
    Fixture("repeated names", #"{\#(tokens), \#(tokens), "user_id": 5}"#),
    Fixture("no user", #"{"user_id": {"$ne": null}, \#(tokens), "data": {\#(tokens)}}"#),
    Fixture("nobody named", file: ".json", #"{\#(tokens), "tldr-queue": "[]"}"#),
    Fixture("unknown shape", #"{"backup": {\#(tokens)}}"#),
    Fixture("a dump in a string", #"{"data": \#(quoted("{\(tokens)}"))}"#),
    Fixture("a dump in a string of nobody", #"{"user_id": 5, "x": [{"data": \#(quoted("{\(tokens)}"))}]}"#),
    Fixture("a storage in a string section", #"{"tldr-favorites": \#(quoted("{\(tokens)}"))}"#),
    Fixture("a storage in a string section that is cut", #"{"tldr-favorites": \#(quoted("[{\(tokens)"))}"#),
    Fixture(
      "an escaped name in a cut section", #"{"tldr-queue": "[{\"tldr\\u002daccess-token\": \"\#(access)\""}"#),
    Fixture(
      "a name escaped twice",
      #"{"user_id": 5, "x": "{\\\"tldr\\u005cu002daccess-\\\\\\\\\\u0074oken\\\": \\\"\#(access)\\\""}"#),
    Fixture(
      "a string in a bad entry", #"{"favorites": [{"x": \#(quoted("{\(tokens)}"))}]}"#),
    Fixture("a user object", #"{\#(tokens), "tldr-user": "{\"id\": 7, \"tldr-access-token\": \"\#(access)\"}"}"#),
    Fixture("cut", #"{\#(tokens), "tldr-favorites": "[{\"vid"#),
    Fixture("cut in a token", #"{"tldr-queue": "[]", "tldr-access-token": "\#(access)"#),
    Fixture("something behind", #"{\#(tokens)} {\#(tokens)"#),
    Fixture("no object", #"[[{\#(tokens)}]]"#),
    Fixture("a string", quoted("{\(tokens)}")),
    Fixture("a comma too many", #"{\#(tokens),}"#),
    Fixture("bytes that are no JSON", "\u{1}\(tokens)"),
    Fixture("too deep", #"{\#(tokens), "favorites": \#(String(repeating: "[", count: 70)){\#(tokens)}"#),
    Fixture("a line among lines", file: "ann.ndjson", "{\(tokens)}\n{\(tokens),\n[{\(tokens)}]\n{\(tokens)}"),
  ]

  @Test(
    arguments: fixtures,
    [[], ["--users-from", "agree"], ["--no-create"], ["--max-dump-size", "60"], ["--dry-run"]])
  func `no token gets out`(_ fixture: Fixture, _ flags: [String]) throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("in/\(fixture.file)", fixture.text)
    let run = try sandbox.sync(
      [sandbox.folder("in")],
      flags + ["--write-back", sandbox.folder("back"), "--diff", "--log-level", "trace", "--log-format", "json"])
    #expect(run.status == 0 || run.status == 3, "\(run.errors)")
    for secret in [Self.access, Self.refresh] {
      #expect(!run.output.contains(secret) && !run.errors.contains(secret))
      for file in sandbox.folder.files() where !file.contains("/in/") {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret) is in \(file)")
      }
    }
  }

  @Test func `what is quarantined shows that there were tokens`() throws {
    let sandbox = try Sandbox()
    let dump = #"{"user_id": 5, \#(Self.tokens), "tldr-queue": "[]"}"#
    let run = try sandbox.sync([sandbox.folder.write("ann.json", dump)])
    let text = try run.quarantineText
    #expect(
      text.contains(
        #""raw":{"user_id":5,"tldr-access-token":"<redacted>","tldr-refresh-token":"<redacted>","tldr-queue":"[]"}"#))
  }

  // MARK: Passwords

  /// An address with a password that nobody may see.
  private static let address = "mongodb://ann:S3cret@127.0.0.1:1/music"

  @Test func `the check of a job shows no password`() throws {
    let folder = try TemporaryFolder()
    let job = try folder.write("job.yaml", "steps:\n  - setup: {store: \"\(Self.address)\"}\n  - learn:\n")
    let written = try mixdown(["run", job, "--check"])
    #expect(written.status == 0 && written.output.contains("mongodb://ann@127.0.0.1:1/music"))
    let bare = try folder.write("bare.yaml", "steps:\n  - learn:\n")
    let environment = try mixdown(["run", bare, "--check"], environment: ["MIXDOWN_STORE": Self.address])
    #expect(environment.output.contains("mongodb://ann@127.0.0.1:1/music"))
    let two = try folder.write(
      "two.yaml", "store: other\nsteps:\n  - setup: {store: \"\(Self.address)\"}\n  - learn: {store: third}\n")
    let refused = try mixdown(["run", two])
    #expect(refused.status == 78 && refused.errors.contains("a job has one store"))
    for run in [written, environment, refused] { #expect(!(run.output + run.errors).contains("S3cret")) }
  }

  @Test(
    arguments: [
      (["sync", address, "--store", "s"], 74), (["inspect", address], 74), (["run", address], 78),
      (["sync", "x", "--store", "s", "--workers", address], 64),
      (["sync", "x", "--store", "s", "--state", address], 64),
      (["quarantine", address, "--store", "s"], 74),
      (["copy", address, "\(address)?tls=nonsense"], 64),
      (["setup", "--store", "\(address)/x", "--set", address], 64),
      (["sync", "mongodb://h/x?tls=true&tlsCertificateKeyFilePassword=S3cret&w=1", "--store", "s"], 74),
      (["inspect", "mongodb://h/x?TLSCERTIFICATEKEYFILEPASSWORD=S3cret"], 74),
      (["quarantine", "mongodb://h/x?authMechanismProperties=AWS_SESSION_TOKEN:S3cret,A:b", "--store", "s"], 74),
    ] as [([String], Int32)], [[], ["--log-format", "json"]])
  func `an address in the wrong place is shown without its password`(_ command: ([String], Int32), _ flags: [String])
    throws
  {
    let hasFormat = !["inspect"].contains(command.0[0])
    let run = try mixdown(command.0 + (hasFormat ? flags : []))
    #expect(run.status == command.1 && !run.errors.isEmpty, "\(run.errors)")
    #expect(!(run.output + run.errors).contains("S3cret"), "\(run.errors)")
  }
}
