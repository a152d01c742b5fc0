internal import Glibc

/// Whether a host can be reached at all: its name looked up, and a connection made and closed again.
public struct HostProbe: Sendable {
  public enum Outcome: Equatable, Sendable {
    case reached
    /// The name has no address.
    case unknownName(String)
    case refused
    /// Nothing came back, as from behind a firewall.
    case timedOut
    case failed(String)
  }

  /// The addresses that the name has, as numbers.
  public let addresses: [String]
  /// Of the address that got furthest.
  public let outcome: Outcome

  /// - Parameters:
  ///   - host: `name:port` or `[address]:port`.
  ///   - time: for each address.
  public init(_ host: String, within time: Duration) {
    var name = host[...]
    var port: Substring = "27017"
    if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
      (name, port) = (host[..<colon], host[host.index(after: colon)...])
    }
    if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>? = nil
    let status = unsafe getaddrinfo(String(name), String(port), &hints, &list)
    guard status == 0 else {
      addresses = []
      outcome = .unknownName(unsafe String(cString: gai_strerror(status)))
      return
    }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [String] = []
    var outcomes: [Outcome] = []
    var next = unsafe list
    while let address = unsafe next {
      unsafe addresses.append(Self.text(of: address.pointee))
      unsafe outcomes.append(Self.connect(to: address.pointee, within: time))
      if outcomes.last == .reached { break }
      unsafe next = unsafe address.pointee.ai_next
    }
    self.addresses = addresses
    outcome = outcomes.last == .reached ? .reached : outcomes.first { $0 == .timedOut } ?? outcomes.first ?? .refused
  }

  private static func text(of address: addrinfo) -> String {
    var bytes = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = unsafe getnameinfo(
      address.ai_addr, address.ai_addrlen, &bytes, socklen_t(bytes.count), nil, 0, NI_NUMERICHOST)
    return status == 0 ? String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
  }

  private static func connect(to address: addrinfo, within time: Duration) -> Outcome {
    let kind = unsafe address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = unsafe socket(address.ai_family, kind, address.ai_protocol)
    guard descriptor >= 0 else { return .failed(systemMessage(errno)) }
    defer { close(descriptor) }
    var code: CInt = 0
    if unsafe Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 {
      code = errno
      if code == EINPROGRESS {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&waiting, 1, time.milliseconds) == 1 else { return .timedOut }
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
          return .failed(systemMessage(errno))
        }
      }
    }
    switch code {
    case 0: return .reached
    case ECONNREFUSED: return .refused
    case ETIMEDOUT: return .timedOut
    default: return .failed(systemMessage(code))
    }
  }
}
