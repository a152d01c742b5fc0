import Foundation
public import Stores
import Synchronization

/// One real `mongod` on a free port of the loopback interface, with a folder of its own.
///
/// It ends with this value, and at the latest with the process that started it: a shell watches that, for nothing runs
/// in a process that was killed.
public final class Mongod: Sendable {
  public let port: Int
  public let folder: String
  /// Whether it takes encrypted connections alone; ``certificate`` vouches for it.
  public let isEncrypted: Bool
  private let arguments: [String]
  private let state = Mutex(State())

  private struct State {
    var pid: pid_t = 0
    var watchdog: Process?
  }

  /// - Parameters:
  ///   - arguments: besides port and folder.
  ///   - key: by which members of a set know each other; with one, users have to sign in.
  public init(_ arguments: [String] = [], key: String? = nil, isEncrypted: Bool = false) throws {
    port = try freePort()
    folder = Self.home + "/mongod-\(UUID().uuidString)"
    self.isEncrypted = isEncrypted
    try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
    var arguments = arguments
    if isEncrypted {
      try Self.makeCertificate(in: folder)
      arguments += ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", folder + "/pem"]
    }
    if let key {
      let path = folder + "/key"
      try Data((key + "\n").utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      self.arguments = arguments + ["--auth", "--keyFile", path]
    } else {
      self.arguments = arguments
    }
    try start()
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// The server that `.ci/mongod` fetches.
  private static let program: Result<String, MongodError> = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let path =
      ProcessInfo.processInfo.environment["MIXDOWN_MONGOD"] ?? package.appending(path: ".build/mongod/mongod").path
    return FileManager.default.isExecutableFile(atPath: path)
      ? .success(path) : .failure(MongodError("no mongod at \(path): run .ci/mongod, which fetches it"))
  }()

  /// Where servers keep their data: in memory if there is room, for every collection and index that a test makes is
  /// waited for until it is on the disk.
  private static let home: String = {
    let memory = "/dev/shm"
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: memory)
    let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
    let isUsable = free > 2 << 30 && FileManager.default.isWritableFile(atPath: memory)
    return isUsable ? memory : FileManager.default.temporaryDirectory.path
  }()

  /// The file of a certificate that vouches for the server; of one that is encrypted.
  public var certificate: String { folder + "/certificate" }

  private static func makeCertificate(in folder: String) throws {
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder + "/secret", "-out",
      folder + "/certificate",
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    guard openssl.terminationStatus == 0 else { throw MongodError("openssl made no certificate") }
    let parts = try ["/certificate", "/secret"].map { try String(contentsOfFile: folder + $0, encoding: .utf8) }
    try parts.joined().write(toFile: folder + "/pem", atomically: true, encoding: .utf8)
  }

  // MARK: Running

  public func start() throws {
    let program = try Self.program.get()
    let watchdog = Process()
    watchdog.executableURL = URL(fileURLWithPath: "/bin/sh")
    watchdog.arguments =
      ["-c", Self.script, "\(getpid())", folder, program]
      + ["--port", "\(port)", "--bind_ip", "127.0.0.1", "--dbpath", folder + "/data", "--nounixsocket"]
      + ["--wiredTigerCacheSizeGB", "0.6", "--setParameter", "diagnosticDataCollectionEnabled=false"]
      // Else its journal has 300 MB from the start.
      + ["--wiredTigerEngineConfigString", "log=(file_max=32MB,prealloc=false)"]
      + arguments
    watchdog.standardInput = FileHandle.nullDevice
    watchdog.standardError = FileHandle.nullDevice
    let output = Pipe()
    watchdog.standardOutput = output
    try watchdog.run()
    let line = output.fileHandleForReading.availableData
    guard let pid = pid_t(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw MongodError("the shell did not say which process the server is")
    }
    state.withLock { $0 = State(pid: pid, watchdog: watchdog) }
  }

  /// Starts the server, says which process it is, and ends it with the process that asked for it.
  private static let script = """
    folder=$1; shift
    "$@" > "$folder/log" 2>&1 < /dev/null &
    server=$!
    echo $server
    exec > /dev/null
    while kill -0 "$0" 2> /dev/null; do
      kill -0 $server 2> /dev/null || exit 0
      sleep 0.2
    done
    kill -9 $server
    wait
    rm -rf "$folder"
    """

  public var isRunning: Bool { state.withLock { $0.pid != 0 && Foundation.kill($0.pid, 0) == 0 } }

  /// SIGKILL, and waits for the end.
  public func kill() {
    let (pid, watchdog) = state.withLock { ($0.pid, $0.watchdog) }
    guard pid != 0 else { return }
    _ = Foundation.kill(pid, SIGKILL)
    watchdog?.waitUntilExit()
    state.withLock { $0 = State() }
  }

  /// SIGSTOP: the process keeps its connections and does nothing.
  public func freeze() { signal(SIGSTOP) }

  public func thaw() { signal(SIGCONT) }

  private func signal(_ number: CInt) {
    state.withLock { if $0.pid != 0 { _ = Foundation.kill($0.pid, number) } }
  }

  /// The end of what the server wrote about itself.
  public var log: String {
    String((try? String(contentsOfFile: folder + "/log", encoding: .utf8))?.suffix(3000) ?? "")
  }

  // MARK: Asking

  /// The address of this server alone, whatever set it belongs to.
  public func address(_ database: String, user: String? = nil, options: String = "") -> String {
    "mongodb://\(user.map { $0 + "@" } ?? "")127.0.0.1:\(port)/\(database)?directConnection=true\(tls)\(options)"
  }

  /// What an address needs besides, where the server is encrypted.
  var tls: String { isEncrypted ? "&tls=true&tlsCAFile=\(certificate)" : "" }

  public func database(_ name: String = "admin", user: String? = nil, options: String = "") throws -> MongoDatabase {
    try MongoDatabase(
      MongoAddress(address(name, user: user, options: options)),
      MongoOptions(serverTimeout: .seconds(20), patience: .seconds(20)))
  }
}

public struct MongodError: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// A port that nothing listened on a moment ago, from below those that systems give to whoever connects: no client
/// takes it before the server does.
func freePort() throws -> Int {
  for _ in 0..<100 {
    let port = UInt16.random(in: 16_000..<32_000)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = unsafe inet_addr("127.0.0.1")
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isFree = unsafe withUnsafeBytes(of: &address) { bytes in
      guard let pointer = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
      return unsafe bind(descriptor, pointer, length) == 0
    }
    if isFree { return Int(port) }
  }
  throw MongodError("no free port: errno \(errno)")
}

/// Asks until the answer is yes.
public func wait(upTo time: Duration, for what: String, _ holds: () throws -> Bool) throws {
  let end = ContinuousClock.now + time
  while try !holds() {
    guard .now < end else { throw MongodError("waited \(time) in vain for \(what)") }
    usleep(50_000)
  }
}
