internal import Digests
internal import Library

/// Which account a guest became: the guest's dumps and library go to the account. Not followed twice.
public struct UserMap: Sendable {
  public private(set) var accounts: [[UInt8]: [UInt8]] = [:]

  /// SHA-256 of the CSV that it was read from, in lower-case hexadecimal; empty where there was none.
  public private(set) var digest = ""

  public init() {}

  /// The account of a user, if they were its guest.
  public func account(of guest: [UInt8]) -> [UInt8]? { accounts[guest] }

  /// Reads CSV without a header, `from,to` a line; quotation marks as in RFC 4180.
  ///
  /// - Throws: the first line that says nothing clear.
  public init(csv: [UInt8]) throws(UserMapError) {
    digest = hexadecimal(sha256(csv))
    var text = csv[...]
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    var line = 0
    while !text.isEmpty {
      line += 1
      var fields: [[UInt8]] = []
      var hasMore = true
      while hasMore { (hasMore, fields) = try Self.field(&text, line: line, after: fields) }
      if fields == [[]] { continue }
      guard fields.count == 2 else {
        throw UserMapError(line: line, why: "\(fields.count) fields where from,to are two")
      }
      let (guest, account) = (fields[0], fields[1])
      guard UserID.lengths.contains(guest.count), UserID.lengths.contains(account.count) else {
        throw UserMapError(line: line, why: "a user is a string of 1 to 256 bytes")
      }
      guard UserID.isText(guest), UserID.isText(account) else {
        throw UserMapError(line: line, why: "a user that is not UTF-8; save the map in UTF-8")
      }
      if guest == account { continue }
      if let other = accounts[guest], other != account {
        throw UserMapError(line: line, why: "\(String(decoding: guest, as: UTF8.self)) goes to another account above")
      }
      accounts[guest] = account
    }
  }

  /// Takes one field off the text and adds it to those before.
  ///
  /// - Returns: whether the line goes on, and its fields so far.
  private static func field(
    _ text: inout ArraySlice<UInt8>, line: Int, after fields: [[UInt8]]
  ) throws(UserMapError) -> (Bool, [[UInt8]]) {
    let quote = UInt8(ascii: "\"")
    var field: [UInt8] = []
    if text.first == quote {
      text = text.dropFirst()
      while true {
        guard let byte = text.popFirst() else { throw UserMapError(line: line, why: "a quotation mark is not closed") }
        if byte != quote {
          field.append(byte)
        } else if text.first == quote {
          field.append(quote)
          text = text.dropFirst()
        } else {
          break
        }
      }
    } else {
      let end = text.firstIndex { $0 == UInt8(ascii: ",") || $0 == 0x0A || $0 == 0x0D } ?? text.endIndex
      field = Array(text[..<end])
      text = text[end...]
    }
    guard let next = text.popFirst() else { return (false, fields + [field]) }
    if next == 0x0D, text.first == 0x0A { text = text.dropFirst() }
    guard next == UInt8(ascii: ",") || next == 0x0A || next == 0x0D else {
      throw UserMapError(line: line, why: "something behind a closing quotation mark")
    }
    return (next == UInt8(ascii: ","), fields + [field])
  }
}

/// A user map that cannot be used.
public struct UserMapError: Error, CustomStringConvertible {
  /// Counted from 1.
  public var line: Int
  public var why: String

  public var description: String { "line \(line): \(why)" }
}
