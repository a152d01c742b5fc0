internal import Dispatch
internal import Glibc
internal import Stores
internal import Synchronization

/// A host of an address, and how far the way to it goes: its name, and a connection.
struct NetworkProbe {
  let host: String
  let port: String

  /// - Parameter text: `name:port`, `[::1]:port`.
  init(_ text: String) {
    let colon = text.lastIndex(of: ":")
    let name = colon.map { String(text[..<$0]) } ?? text
    port = colon.map { String(text[text.index(after: $0)...]) } ?? "27017"
    host = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
  }

  // MARK: The name

  /// An address that a name stands for.
  struct Address: Sendable {
    /// For a person: `10.0.0.5`, `::1`.
    let text: String
    let family: CInt
    /// As `connect(2)` takes it.
    let bytes: [UInt8]
  }

  enum Resolution: Sendable {
    case addresses([Address])
    /// The system's words.
    case unknown(String)
    case tookTooLong
  }

  /// Asks the system what the name stands for.
  func resolved(within time: Duration) -> Resolution {
    let answer = Shared<Resolution?>(nil)
    let done = DispatchSemaphore(value: 0)
    // The system's own time-outs add up to much more, and cannot be shortened: who waits goes on without it.
    DispatchQueue(label: "mixdown.resolve").async { [host, port] in
      answer.value.withLock { $0 = Self.resolved(host, port) }
      done.signal()
    }
    guard done.wait(timeout: .now() + time.inSeconds) == .success else { return .tookTooLong }
    return answer.value.withLock { $0 } ?? .tookTooLong
  }

  private static func resolved(_ host: String, _ port: String) -> Resolution {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, port, &hints, &list)
    guard code == 0 else { return .unknown(unsafe String(cString: gai_strerror(code))) }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [Address] = []
    var next = unsafe list
    while let entry = unsafe next {
      let info = unsafe entry.pointee
      if let address = unsafe info.ai_addr {
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = socklen_t(name.count)
        if unsafe getnameinfo(address, info.ai_addrlen, &name, length, nil, 0, NI_NUMERICHOST) == 0 {
          let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
          let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
          addresses.append(Address(text: text, family: unsafe info.ai_family, bytes: bytes))
        }
      }
      unsafe next = unsafe info.ai_next
    }
    return addresses.isEmpty ? .unknown("no address") : .addresses(addresses)
  }

  // MARK: The connection

  enum Connection: Equatable, Sendable {
    case reached(milliseconds: Double)
    case refused
    case timedOut
    /// The system's words.
    case failed(String)
  }

  /// Tries to connect, and ends the connection at once.
  static func connect(_ address: Address, within time: Duration) -> Connection {
    let start = ContinuousClock.now
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.family, kind, 0)
    guard descriptor >= 0 else { return .failed(systemMessage(errno)) }
    defer { _ = close(descriptor) }
    let status = unsafe address.bytes.withUnsafeBytes { bytes in
      guard let target = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return CInt(-1) }
      return unsafe Glibc.connect(descriptor, target, socklen_t(bytes.count))
    }
    if status != 0, errno != EINPROGRESS { return outcome(errno) }
    if status != 0 {
      var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard unsafe Glibc.poll(&poll, 1, CInt(time.inSeconds * 1000)) > 0 else { return .timedOut }
      var code: CInt = 0
      var length = socklen_t(MemoryLayout<CInt>.size)
      _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
      if code != 0 { return outcome(code) }
    }
    return .reached(milliseconds: start.duration(to: .now).inSeconds * 1000)
  }

  private static func outcome(_ code: CInt) -> Connection {
    switch code {
    case ECONNREFUSED: .refused
    case ETIMEDOUT: .timedOut
    default: .failed(systemMessage(code))
    }
  }
}

/// A value that a thread may fill after nobody waits for it any more.
private final class Shared<Value: Sendable>: Sendable {
  let value: Mutex<Value>
  init(_ value: sending Value) { self.value = Mutex(value) }
}

extension Duration {
  var inSeconds: Double { self / .seconds(1) }
}

extension DoctorReport {
  /// Looks up the hosts of an address and connects to each.
  ///
  /// - Parameter timeout: for each name and each connection.
  mutating func examineNetwork(_ address: MongoAddress, timeout: Duration) {
    guard !address.isService else {
      note("name \(address.hosts.first ?? "")", "an SRV record, which names the servers")
      return
    }
    for host in address.hosts where !host.hasPrefix("/") { examine(NetworkProbe(host), timeout) }
  }

  private mutating func examine(_ probe: NetworkProbe, _ timeout: Duration) {
    let part = "name \(probe.host)"
    switch probe.resolved(within: timeout) {
    case .addresses(let addresses):
      var seen: Set<String> = []
      let distinct = addresses.filter { seen.insert($0.text).inserted }
      good(part, "is " + distinct.map(\.text).joined(separator: ", "))
      for address in distinct { examine(address, probe, timeout) }
    case .unknown(let why):
      bad(
        part, why,
        "Check the spelling, and this machine's name server; a private name is known inside of its VPC only.",
        .unreachable)
    case .tookTooLong:
      bad(part, "the name server did not answer", "Check this machine's network and /etc/resolv.conf.", .unreachable)
    }
  }

  private mutating func examine(_ address: NetworkProbe.Address, _ probe: NetworkProbe, _ timeout: Duration) {
    let part = "TCP \(address.text) port \(probe.port)"
    switch NetworkProbe.connect(address, within: timeout) {
    case .reached(let milliseconds): good(part, "reached in \(tenths(milliseconds)) ms")
    case .refused:
      bad(
        part, "refused: the machine is there, and nothing listens on the port",
        "Check the port, that mongod runs, and that its bindIp names this address.", .unreachable)
    case .timedOut:
      bad(
        part, "timed out: something on the way drops the connection without a word",
        "Check the firewall, the VPC connector or peering of the machine that Mixdown runs on, and the server's list "
          + "of allowed addresses (MongoDB Atlas: Network Access).", .unreachable)
    case .failed(let why):
      bad(part, why, "Check this machine's routes and network, and the VPC connector if it has one.", .unreachable)
    }
  }
}

/// With one digit behind the point.
func tenths(_ number: Double) -> String {
  let scaled = Int((number * 10).rounded())
  return "\(scaled < 0 ? "-" : "")\(abs(scaled) / 10).\(abs(scaled) % 10)"
}
