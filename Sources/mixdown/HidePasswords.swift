import Glibc

/// Takes the passwords of `mongodb://` addresses out of what others see of this process' arguments, as with `ps`.
///
/// The arguments themselves are read first, and stay as they were for the program.
func hidePasswords() {
  // The first look copies them.
  let arguments = CommandLine.arguments
  for index in arguments.indices {
    // The system keeps as many strings as there are arguments, each as long as it was given.
    guard let text = unsafe CommandLine.unsafeArgv[index] else { continue }
    let bytes = unsafe UnsafeMutableBufferPointer(start: text, count: strlen(text))
    guard let password = unsafe passwordRange(in: bytes.map { UInt8(bitPattern: $0) }) else { continue }
    for offset in password { unsafe bytes[offset] = CChar(bitPattern: UInt8(ascii: "*")) }
  }
}

/// Where the password of an address stands in an argument; nil when there is none.
func passwordRange(in argument: [UInt8]) -> Range<Int>? {
  for scheme in ["mongodb://", "mongodb+srv://"] {
    guard let found = argument.firstRange(of: Array(scheme.utf8)) else { continue }
    let rest = argument[found.upperBound...]
    // A sloppy address may have / and @ in its password: everything before the last @ is taken for it.
    guard let colon = rest.firstIndex(of: UInt8(ascii: ":")), let at = rest.lastIndex(of: UInt8(ascii: "@")),
      colon < at
    else { continue }
    return colon + 1..<at
  }
  return nil
}
