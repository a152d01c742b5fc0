import Glibc
import Stores

/// Takes the passwords of addresses out of what others see of this process' arguments, as with `ps`, and what else of
/// their options nobody may see.
///
/// The arguments themselves are read first, and stay as they were for the program.
func hidePasswords() {
  // The first look copies them.
  let arguments = CommandLine.arguments
  for index in arguments.indices {
    // The system keeps as many strings as there are arguments, each as long as it was given.
    guard let text = unsafe CommandLine.unsafeArgv[index] else { continue }
    let bytes = unsafe UnsafeMutableBufferPointer(start: text, count: strlen(text))
    let argument = unsafe bytes.map { UInt8(bitPattern: $0) }
    let options = secretOptions(in: argument).map { option in
      // An argument is one address: a blank does not end it.
      option.lowerBound..<(argument[option.lowerBound...].firstIndex(of: UInt8(ascii: "&")) ?? argument.endIndex)
    }
    for secret in options + [passwordRange(in: argument)].compactMap(\.self) {
      for offset in secret { unsafe bytes[offset] = CChar(bitPattern: UInt8(ascii: "*")) }
    }
  }
}

/// Where the password of an address stands in an argument; nil when there is none.
func passwordRange(in argument: [UInt8]) -> Range<Int>? {
  // An address with a misspelt scheme holds a password, too.
  guard let found = argument.firstRange(of: Array("://".utf8)) else { return nil }
  let rest = argument[found.upperBound...]
  // A sloppy address may have / and @ in its password: everything before the last @ is taken for it.
  guard let colon = rest.firstIndex(of: UInt8(ascii: ":")), let at = rest.lastIndex(of: UInt8(ascii: "@")),
    colon < at
  else { return nil }
  return colon + 1..<at
}
