internal import Dispatch
internal import Glibc
internal import Synchronization

/// A host of an address, and how far the way to it goes: its name, and a connection.
package struct HostProbe: Sendable {
  package let host: String
  package let port: String

  /// - Parameter text: `name:port`, `[::1]:port`, `[::1]`.
  package init(_ text: String) {
    let colon = text.hasSuffix("]") ? nil : text.lastIndex(of: ":")
    let name = colon.map { String(text[..<$0]) } ?? text
    port = colon.map { String(text[text.index(after: $0)...]) } ?? "27017"
    host = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
  }

  // MARK: The name

  /// An address that a name stands for.
  package struct Address: Sendable {
    /// For a person: `10.0.0.5`, `::1`.
    package let text: String
    let family: CInt
    /// As `connect(2)` takes it.
    let bytes: [UInt8]

    package init(text: String, family: CInt, bytes: [UInt8]) {
      (self.text, self.family, self.bytes) = (text, family, bytes)
    }
  }

  package enum Resolution: Sendable {
    case addresses([Address])
    /// The system's words.
    case unknown(String)
    case tookTooLong
  }

  /// Asks the system what the name stands for.
  package func resolved(within time: Duration) -> Resolution {
    let answer = Shared<Resolution?>(nil)
    let done = DispatchSemaphore(value: 0)
    // The system's own time-outs add up to much more, and cannot be shortened: who waits goes on without it.
    DispatchQueue(label: "mixdown.resolve").async { [host, port] in
      answer.value.withLock { $0 = Self.resolved(host, port) }
      done.signal()
    }
    guard done.wait(timeout: .now() + time / .seconds(1)) == .success else { return .tookTooLong }
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

  package enum Connection: Equatable, Sendable {
    case reached
    case refused
    /// Nothing came back, as from behind a firewall.
    case timedOut
    /// The system's words.
    case failed(String)
  }

  /// Tries to connect, and ends the connection at once.
  package static func connect(_ address: Address, within time: Duration) -> Connection {
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
      guard unsafe Glibc.poll(&poll, 1, time.milliseconds) > 0 else { return .timedOut }
      var code: CInt = 0
      var length = socklen_t(MemoryLayout<CInt>.size)
      _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
      if code != 0 { return outcome(code) }
    }
    return .reached
  }

  private static func outcome(_ code: CInt) -> Connection {
    switch code {
    case ECONNREFUSED: .refused
    case ETIMEDOUT: .timedOut
    default: .failed(systemMessage(code))
    }
  }

  // MARK: Both

  enum Outcome: Equatable, Sendable {
    case unknownName(String)
    /// Of the address that got furthest.
    case connection(Connection)
  }

  /// How far the way to the host goes.
  ///
  /// - Parameter time: for the name and for each address.
  func outcome(within time: Duration) -> Outcome {
    switch resolved(within: time) {
    case .unknown(let why): return .unknownName(why)
    case .tookTooLong: return .unknownName("the name server did not answer")
    case .addresses(let addresses):
      var connections: [Connection] = []
      for address in addresses {
        connections.append(Self.connect(address, within: time))
        if connections.last == .reached { return .connection(.reached) }
      }
      return .connection(connections.first { $0 == .timedOut } ?? connections.first ?? .refused)
    }
  }
}

/// A value that a thread may fill after nobody waits for it any more.
private final class Shared<Value: Sendable>: Sendable {
  let value: Mutex<Value>
  init(_ value: sending Value) { self.value = Mutex(value) }
}
