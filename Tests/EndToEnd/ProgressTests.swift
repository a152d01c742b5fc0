import Foundation
import Testing

/// What is seen of a run's progress, on a real pseudo-terminal and elsewhere.
@Suite struct ProgressTests {
  private static let terminal = ["TERM": "xterm", "LC_ALL": "C.UTF-8"]
  private static let erase = "\u{1B}[K"

  @Test func `on a terminal a bar is drawn in one line and taken away at the end`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 60, in: sandbox)
    try sandbox.restore(big.cloud)
    let screen = try PseudoTerminal(columns: 100)
    let arguments = sandbox.arguments([big.exports], state: sandbox.newState())
    let child = try Child([mixdownBinary] + arguments, environment: Self.terminal, terminal: screen.program)
    #expect(try child.wait() == .exited(0))
    let text = try screen.finish()
    let frames = Self.frames(text)
    #expect(frames.count > 1)
    // The last one is the bar's removal, which other lines may follow.
    for frame in frames where !frame.isEmpty {
      #expect(frame.count < 100 && !frame.contains("\u{1B}") && !frame.contains("\n"))
      #expect(["reading", "merging", "writing"].contains { frame.hasPrefix($0) })
    }
    #expect(zip(frames, frames.dropFirst()).allSatisfy { $0 != $1 }, "a frame is drawn only when it changes")
    #expect(frames.contains { $0.contains("[") && $0.contains("%") })
    // What stays is the last line alone.
    let last = try #require(text.components(separatedBy: "\r" + Self.erase).last)
    #expect(last.hasPrefix("60 users: ") && last.hasSuffix("users/s\r\n"))
  }

  @Test func `a window that is made narrower is written in its new width`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 100, in: sandbox)
    try sandbox.restore(big.cloud)
    let screen = try PseudoTerminal(columns: 120)
    let arguments = sandbox.arguments([big.exports], state: sandbox.newState())
    let child = try Child([mixdownBinary] + arguments, environment: Self.terminal, terminal: screen.program)
    try waitFor { Self.frames(screen.text).isEmpty ? nil : true }
    for columns in [40, 14, 5, 1, 200] {
      screen.resize(columns: columns)
      // One frame may be under way with the old width.
      let fitting = try waitFor { () -> Int? in
        let frames = Self.frames(screen.text)
        return (frames.last?.count ?? 0) < columns || screen.text.contains("users/s\r\n") ? frames.count : nil
      }
      Thread.sleep(forTimeInterval: 0.3)
      for frame in Self.frames(screen.text).dropFirst(fitting) { #expect(frame.count < columns) }
    }
    #expect(try child.wait() == .exited(0))
    #expect(try screen.finish().hasSuffix("users/s\r\n"))
  }

  @Test func `what is said while the bar stands takes a line of its own`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 60, in: sandbox)
    try sandbox.restore(big.cloud)
    let screen = try PseudoTerminal(columns: 100)
    let arguments = sandbox.arguments([big.exports], ["--log-level", "info", "--diff"], state: sandbox.newState())
    let child = try Child([mixdownBinary] + arguments, environment: Self.terminal, terminal: screen.program)
    #expect(try child.wait() == .exited(0))
    let lines = try screen.finish().components(separatedBy: "\r\n")
    // As a terminal shows it: what stands behind the last carriage return.
    let shown = lines.map { $0.components(separatedBy: "\r").last?.replacing(Self.erase, with: "") ?? "" }
    #expect(shown.count { $0.contains(" → ") } > 50)
    for line in shown { #expect(!line.contains("reading") && !line.contains("merging") && !line.contains(" left")) }
    #expect(shown.contains("mixdown: info: phase merge"))
  }

  @Test(arguments: [["TERM": "dumb"], ["TERM": "xterm"]])
  func `a quiet run, and one on a terminal that cannot erase, draw no bar`(_ environment: [String: String]) throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners(count: 4).dumps, in: sandbox.folder)
    let screen = try PseudoTerminal(columns: 100)
    let flags = environment["TERM"] == "dumb" ? [] : ["--quiet"]
    let arguments = sandbox.arguments([input], flags, state: sandbox.newState())
    let child = try Child([mixdownBinary] + arguments, environment: environment, terminal: screen.program)
    #expect(try child.wait() == .exited(0))
    #expect(!(try screen.finish()).contains("\u{1B}"))
  }

  @Test func `in a pipe a short run says nothing of its progress`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 20, in: sandbox)
    let run = try sandbox.syncWell([big.exports])
    #expect(run.errors.isEmpty && run.output.split(separator: "\n").count == 1)
  }

  /// The states of the line of progress, in order.
  private static func frames(_ text: String) -> [String] {
    text.components(separatedBy: "\r").filter { $0.hasSuffix(erase) }.map { String($0.dropLast(3)) }
  }
}
