internal import Glibc

/// The system's own words for an errno value.
package func systemMessage(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}

/// What this machine is called.
package func hostName() -> String {
  var name = [CChar](repeating: 0, count: 256)
  // One byte less than there is: a name that is cut off ends all the same.
  guard unsafe gethostname(&name, name.count - 1) == 0 else { return "unknown" }
  return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The result of a system call, which is made again as long as signals interrupt it.
///
/// - Parameters:
///   - operation: what was tried, to follow "cannot" in a message: `"write"`.
///   - path: on which file.
///   - call: the call; a negative result means that it failed with `errno`.
/// - Throws: ``StoreError/inputOutput(path:operation:code:)``.
@discardableResult
func system<Result: SignedInteger>(
  _ operation: String, _ path: String, _ call: () -> Result
) throws(StoreError) -> Result {
  while true {
    let result = call()
    if result >= 0 { return result }
    let code = errno
    if code != EINTR { throw .inputOutput(path: path, operation: operation, code: code) }
  }
}
