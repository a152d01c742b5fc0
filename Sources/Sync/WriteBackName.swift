package import BSON
internal import Digests
internal import Foundation
internal import Library

/// The name of the file that is written back for a user.
package struct WriteBackName {
  package let file: String
  /// Whether the name gives the id back.
  let namesUser: Bool

  package init(user: ByteView) {
    let id = user.string
    let isFileName = Self.isFileName(id)
    file = (isFileName ? id : Self.escaped(user)) + ".json"
    // Some archives give back names with their letters composed.
    namesUser = isFileName && id.utf8.elementsEqual(id.precomposedStringWithCanonicalMapping.utf8)
  }

  /// Whether `<id>.json` is a file's name that gives the id back.
  private static func isFileName(_ id: String) -> Bool {
    let forbidden = id.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == UInt8(ascii: "\\") }
    return !forbidden && id.utf8.first != UInt8(ascii: ".") && id.utf8.count <= 240 && !id.contains("\u{FFFD}")
      && !looksEscaped(id)
  }

  /// Whether an id may be what another one's ``escaped(_:)`` name is: two users never have one file.
  private static func looksEscaped(_ id: String) -> Bool {
    let bytes = Array(id.utf8)
    func isDigit(_ byte: UInt8) -> Bool { (48..<58).contains(byte) || (97..<103).contains(byte) }
    return bytes.indices.contains { index in
      guard bytes[index] == UInt8(ascii: "%") else { return false }
      let next = bytes[(index + 1)...].prefix(2)
      return next.first == UInt8(ascii: "%") || next.count == 2 && next.allSatisfy(isDigit)
    }
  }

  /// A safe name for an id that is none: what is not a letter, digit, `-` or `_` as `%XX`. A long one is cut, and told
  /// from others by a digest.
  private static func escaped(_ user: ByteView) -> String {
    var name = ""
    for offset in 0..<user.count {
      let byte = user[offset]
      let isPlain =
        (byte >= 48 && byte < 58) || (byte >= 65 && byte < 91) || (byte >= 97 && byte < 123) || byte == 45 || byte == 95
      name += isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    if name.utf8.count <= 200 { return name }
    let digest = hexadecimal(objectID(ofUser: user))
    return String(name.prefix(160)) + "%%" + digest
  }
}
