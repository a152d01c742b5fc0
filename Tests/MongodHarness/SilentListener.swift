import Foundation

/// Takes connections and says nothing.
public final class SilentListener {
  public let port: Int
  private let descriptor: CInt

  public init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = unsafe inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = self.descriptor
    let status = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      let pointer = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
      guard let pointer = unsafe pointer, unsafe bind(descriptor, pointer, length) == 0, listen(descriptor, 16) == 0
      else { return CInt(-1) }
      return unsafe getsockname(descriptor, pointer, &length)
    }
    guard status == 0 else { throw MongodError("cannot listen: errno \(errno)") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }
}
