/// A line of a run's `quarantine.ndjson` as it is read again: all of it but `raw`, as ``QuarantineLines`` writes it.
///
/// Somebody may have mended it, so anything may be missing.
public struct QuarantineLine: Decodable, Sendable {
  /// So many lines of one reason are shown.
  public static let mostExamples = 3

  public var input, entry: String?
  public let line: Int?
  public let user, section: String?
  public let index: Int?
  public let reason, detail: String?
  public let offset: Int?

  private enum CodingKeys: String, CodingKey {
    case source, input, entry, line, section, index, reason, detail, offset
    case user = "user_id"
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let source = try? fields.nestedContainer(keyedBy: CodingKeys.self, forKey: .source)
    input = try? source?.decodeIfPresent(String.self, forKey: .input)
    entry = try? source?.decodeIfPresent(String.self, forKey: .entry)
    line = try? source?.decodeIfPresent(Int.self, forKey: .line)
    user = try? fields.decodeIfPresent(String.self, forKey: .user)
    section = try? fields.decodeIfPresent(String.self, forKey: .section)
    index = try? fields.decodeIfPresent(Int.self, forKey: .index)
    reason = try? fields.decodeIfPresent(String.self, forKey: .reason)
    detail = try? fields.decodeIfPresent(String.self, forKey: .detail)
    offset = try? fields.decodeIfPresent(Int.self, forKey: .offset)
  }

  /// Where it was found: `exports.zip: ann/phone.json, line 3`.
  public var place: String {
    let names = [input, entry].compactMap(\.self).joined(separator: ": ")
    return names + (line.map { ", line \($0)" } ?? "")
  }

  /// The reason that a line gives, without parsing it: `raw`, which may be long, comes after it, and in the strings
  /// before it a quotation mark has a backslash.
  public static func reason(in line: ArraySlice<UInt8>) -> String? {
    let key = Array(#","reason":""#.utf8)
    var start = line.startIndex
    while let comma = line[start...].firstIndex(of: key[0]) {
      if line[comma...].starts(with: key) {
        let value = line[(comma + key.count)...]
        guard let end = value.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return String(decoding: value[..<end], as: UTF8.self)
      }
      start = comma + 1
    }
    return nil
  }
}
