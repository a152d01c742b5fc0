import Foundation
import Glibc
import Stores
import Testing

@testable import Jobs

/// Which run a person means.
@Suite struct RunNameTests {
  private static let ids = ["01M89TR7EBMW1QV46YT6B2R517", "01M89TR7EBMW1QV46YT6B2R518", "01M95FD1Z9H1CJ0R2S5M2R517A"]

  @Test(
    arguments: [
      ("01M89TR7EBMW1QV46YT6B2R517", .success(ids[0])), ("01m89tr7ebmw1qv46yt6b2r518", .success(ids[1])),
      ("01M9", .success(ids[2])), ("R518", .success(ids[1])), ("517a", .success(ids[2])),
      ("state/01M89TR7EBMW1QV46YT6B2R517/", .success(ids[0])), ("state/01M9", .success(ids[2])),
      ("01M8", .failure(.several(2))), ("2R51", .failure(.none)), ("ZZZZ", .failure(.none)),
      ("01M", .failure(.tooShort)), ("17A", .failure(.tooShort)), ("", .failure(.tooShort)),
      ("/", .failure(.tooShort)),
    ] as [(String, Result<String, UnclearRun>)])
  func `a run is named by its id, by four letters of its beginning or end, or by its folder`(
    _ name: String, _ meant: Result<String, UnclearRun>
  ) {
    #expect(RunArchive.meant(name, among: Self.ids) == meant)
  }

  @Test func `one run alone is not named by less either`() {
    #expect(RunArchive.meant("01M", among: [Self.ids[0]]) == .failure(.tooShort))
    #expect(RunArchive.meant("01M8", among: [Self.ids[0]]) == .success(Self.ids[0]))
  }

  @Test func `stores whose names differ only in their normal form are two`() throws {
    var manifest = Folder.manifest
    for (one, other) in [
      ("/srv/caf\u{E9}", "/srv/cafe\u{301}"), ("caf\u{E9}", "/srv/cafe\u{301}"),
      ("mongodb://db/caf%C3%A9", "mongodb://db/cafe%CC%81"),
    ] {
      manifest.store = one
      let archive = RunArchive(state: "/srv/state")
      #expect(archive.isRun(manifest, of: other) == false)
      #expect(archive.isRun(manifest, of: one.hasPrefix("caf") ? "/srv/" + one : one) != false)
    }
    let place = WriteBackPlace("/srv/cafe\u{301}/out.zip")
    try place.check(inputs: [], store: "/srv/caf\u{E9}")
    #expect(throws: StepFailure.self) { try place.check(inputs: [], store: "/srv/cafe\u{301}") }
  }

  @Test func `a state directory that cannot be listed says why`() async throws {
    let folder = try Folder()
    let path = folder.path
    try folder.write("file", "")
    let closed: [FileAttributeKey: Any] = [.posixPermissions: 0]
    try FileManager.default.createDirectory(
      atPath: path + "/closed", withIntermediateDirectories: true, attributes: closed)
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Root may list every folder.
      if geteuid() == 0 { #expect(setuid(65_534) == 0) }
      for (name, code) in [("file", ENOTDIR), ("closed", EACCES)] {
        let state = path + "/" + name
        #expect(throws: StoreError.inputOutput(path: state, operation: "list", code: code)) {
          try RunArchive(state: state).ids()
        }
      }
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path + "/closed")
  }

  @Test(
    arguments: [
      (.none, "X: no run in state has this id"), (.several(3), "X: 3 runs in state have an id that begins or ends so"),
      (.tooShort, "X: give at least 4 characters"),
    ] as [(UnclearRun, String)])
  func `a name that is not one run's says why`(_ why: UnclearRun, _ text: String) {
    #expect(why.text("X", in: "state").hasPrefix(text))
  }
}
