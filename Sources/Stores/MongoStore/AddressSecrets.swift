/// Where those values of an address' options stand in a text that nobody may see: the password of a certificate's key,
/// and what a way to sign in wants to know, such as a session's token. The user's password is not among them.
///
/// - Parameter text: an address, or any text that may hold some.
/// - Returns: ascending; each ends before the next option, a blank or a quotation mark.
public func secretOptions(in text: [UInt8]) -> [Range<Int>] {
  var found: [Range<Int>] = []
  var place = 0
  while let sign = text[place...].firstIndex(of: UInt8(ascii: "=")) {
    place = sign + 1
    let isSecret = secretNames.contains { name in
      String(decoding: text[..<sign].suffix(name.utf8.count), as: UTF8.self).lowercased() == name
    }
    guard isSecret else { continue }
    let value = text[place...].prefix { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: "\"") }
    found.append(value.indices)
    place = value.endIndex
  }
  return found
}

/// libmongoc takes a name's letters in either case.
private let secretNames = [
  "authmechanismproperties", "sslclientcertificatekeypassword", "tlscertificatekeyfilepassword",
]
