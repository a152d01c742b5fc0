import ArgumentParser
import BSON
import Dumps
import Library

/// A number of bytes: `1048576`, `256MiB`, `1GiB`, `64MB`.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
  var bytes: Int

  init(_ bytes: Int) { self.bytes = bytes }

  init?(argument: String) {
    let units: [(String, Int)] = [
      ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40), ("kb", 1000), ("mb", 1_000_000),
      ("gb", 1_000_000_000), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("b", 1), ("", 1),
    ]
    guard let (number, unit) = split(argument), let factor = units.first(where: { $0.0 == unit })?.1,
      let count = number.scaled(by: factor), count > 0
    else { return nil }
    bytes = count
  }

  var description: String {
    for (name, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes % size == 0 {
      return "\(bytes / size)\(name)"
    }
    return "\(bytes)"
  }

  var defaultValueDescription: String { description }
}

/// A span of time: `24h`, `180d`, `90m`, `30s`, `500ms`; a bare number is in seconds.
struct TimeSpan: ExpressibleByArgument, CustomStringConvertible {
  var milliseconds: Int64

  init(seconds: Int64) { milliseconds = seconds * 1000 }
  init(hours: Int64) { milliseconds = hours * 3_600_000 }
  init(days: Int64) { milliseconds = days * Instant.day }

  init?(argument: String) {
    let units: [(String, Int)] = [
      ("ms", 1), ("s", 1000), ("", 1000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000),
      ("w", 604_800_000),
    ]
    guard let (number, unit) = split(argument), let factor = units.first(where: { $0.0 == unit })?.1,
      let span = number.scaled(by: factor)
    else { return nil }
    milliseconds = Int64(span)
  }

  var description: String {
    for (name, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
    where milliseconds % size == 0 {
      return "\(milliseconds / size)\(name)"
    }
    return "\(milliseconds)ms"
  }

  var defaultValueDescription: String { description }
}

/// A moment in any form that a dump may use: `2026-01-01T00:00:00Z`, milliseconds or seconds since 1970, or either as
/// Extended JSON, `{"$date": …}`.
struct Moment: ExpressibleByArgument {
  /// The last moment that can be written as a text: `9999-12-31T23:59:59.999Z`.
  private static let last: Int64 = 253_402_300_799_999

  var milliseconds: Int64

  init?(argument: String) {
    guard let number = argument.hasPrefix("{") ? Self.extended(argument) : Self.plain(argument), number <= Self.last
    else { return nil }
    milliseconds = number
  }

  private static func plain(_ argument: String) -> Int64? {
    var writer = BSONWriter(capacity: 64)
    if let integer = Int64(argument) {
      writer.append("t", integer: integer)
    } else if argument.utf8.allSatisfy("0123456789.eE+-".utf8.contains), let double = Double(argument) {
      writer.append("t", double: double)
    } else {
      writer.append("t", string: argument)
    }
    let type = BSONType(rawValue: writer.view[0])
    return try? Instant.milliseconds(BSONValue(type: type, bytes: writer.view.dropFirst(3)))
  }

  private static func extended(_ argument: String) -> Int64? {
    let arena = Arena()
    var reader = JSONReader()
    guard let read = try? reader.read(copying: Array(argument.utf8), maxDepth: 3), read.kind == .object else {
      return nil
    }
    return try? Instant.milliseconds(BSONValue(type: .document, bytes: reader.copyBSON(to: arena)))
  }
}

/// Splits `256 MiB` into its number and its unit in lower case.
private func split(_ argument: String) -> (Double, String)? {
  let digits = argument.prefix { $0.isNumber || $0 == "." }
  guard let number = Double(digits), number.isFinite else { return nil }
  let unit = argument.dropFirst(digits.count).lowercased().filter { $0 != " " }
  return (number, unit)
}

extension Double {
  fileprivate func scaled(by factor: Int) -> Int? {
    let product = self * Double(factor)
    return product >= 0 && product < 0x1p62 ? Int(product) : nil
  }
}
