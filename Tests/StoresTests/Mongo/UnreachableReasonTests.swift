import Testing

@testable import Stores

/// Why no server can be used, and what to do, from what libmongoc says and from what the hosts do (docs/stores.md,
/// *When a store cannot be used*).
@Suite struct UnreachableReasonTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let message: String
    var hosts: [HostProbe.Outcome] = [.connection(.reached)]
    var isEncrypted = false
    let reason: String
    let advice: String

    var testDescription: String { "\(message), \(hosts)" }
  }

  private static let expired = "No suitable servers found: `serverSelectionTimeoutMS` expired"

  static let rows = [
    // Where nothing listens it does not matter how long libmongoc has looked.
    Row(
      message: "\(expired): [connection refused calling hello on 'h0:1']", hosts: [.connection(.refused)],
      reason: "h0:1 refused the connection", advice: "Nothing listens"),
    Row(
      message: expired, hosts: [.connection(.refused)], reason: "h0:1 refused the connection", advice: "Nothing listens"
    ),
    Row(
      message: "\(expired): [connection timeout calling hello on 'h0:1']", hosts: [.connection(.timedOut)],
      reason: "h0:1 does not answer: the connection timed out", advice: "--server-timeout"),
    Row(message: expired, hosts: [.unknownName("unknown")], reason: "cannot be resolved", advice: "name server"),
    Row(message: expired, hosts: [.connection(.failed("no route"))], reason: "no route", advice: "the network"),
    // Of several hosts the one that is gone is no reason while others are there.
    Row(
      message: "\(expired): [connection refused calling hello on 'h0:1']",
      hosts: [.connection(.refused), .connection(.reached), .connection(.reached)],
      reason: "none that can be used answers in time; h0:1 refused", advice: "has a primary"),
    Row(
      message: expired, hosts: [.connection(.refused), .connection(.timedOut)], reason: "h0:1 refused the connection",
      advice: "Nothing listens"),
    Row(
      message: "\(expired): [socket timeout calling hello on 'h0:1']", reason: "does not answer",
      advice: "one that wants TLS needs tls=true"),
    Row(
      message: "\(expired): [connection closed calling hello on 'h0:1']", isEncrypted: true,
      reason: "does not answer", advice: "that it speaks TLS"),
    Row(
      message: "Failed to read 4 bytes: socket error or timeout", reason: "does not answer", advice: "log and load"),
    Row(message: expired, reason: "none that can be used answers in time", advice: "replicaSet in the address"),
    // It listens again by the time that it is asked once more.
    Row(
      message: "\(expired): [connection refused calling hello on 'h0:1']",
      reason: "none that can be used answers in time", advice: "has a primary"),
    Row(
      message: "\(expired): [TLS handshake failed: certificate verify failed (18): self-signed certificate]",
      reason: "certificate verify failed", advice: "tlsCAFile"),
    Row(message: "\(expired): [Failed to resolve 'h0']", reason: "Failed to resolve", advice: "name server"),
    Row(
      message: #"Failed to look up SRV record "_mongodb._tcp.h0": Unknown host"#, reason: "SRV record",
      advice: "name server"),
    // What a host is called says nothing of what is wrong with it.
    Row(
      message: "\(expired): [connection refused calling hello on 'SRV-TLS.DNS:1']", hosts: [.connection(.refused)],
      reason: "refused the connection", advice: "Nothing listens"),
    Row(message: "not primary", reason: "not primary", advice: "without directConnection"),
    Row(message: "something new", reason: "something new", advice: "mixdown doctor"),
  ]

  @Test(arguments: rows)
  func `the reason decides what is to be checked`(_ row: Row) {
    let trouble = Trouble(row.message, isEncrypted: row.isEncrypted) {
      row.hosts.enumerated().map { ("h\($0):1", $1) }
    }
    #expect(trouble.reason.contains(row.reason), "\(trouble)")
    #expect(trouble.advice.contains(row.advice), "\(trouble)")
    #expect(!trouble.reason.contains("timed out") || row.reason.contains("timed out"), "\(trouble)")
  }
}
