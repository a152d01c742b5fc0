internal import BSON
internal import Glibc
internal import Library
internal import Synchronization

/// The system's zone database (the TZif files of IANA's tz, RFC 8536): each zone's offsets from UTC, read once.
public final class Zones: Sendable {
  /// Where systems keep the database, in the order in which it is looked for.
  private static let folders = [
    "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
  ]

  private let known = Mutex<[String: Zone?]>(["UTC": Zone.utc])

  public init() {}

  /// The zone of an IANA name such as `Europe/Berlin`; nil for a name that the database does not have.
  ///
  /// `UTC` is always there. The name may come from anybody: nothing outside of the database is opened.
  public func zone(_ name: String) -> Zone? {
    known.withLock { known in
      if let zone = known[name] { return zone }
      let zone = Self.read(name)
      known[name] = .some(zone)
      return zone
    }
  }

  private static func read(_ name: String) -> Zone? {
    guard isName(name) else { return nil }
    for folder in folders {
      if let bytes = contents(of: folder + "/" + name) { return ZoneFile(bytes).map { Zone(name: name, $0.intervals) } }
    }
    return nil
  }

  /// What lies in the database and is no zone of IANA: the machine's own setting, so that a name would mean another zone
  /// elsewhere; an old rule for zones without one; what a machine has before it is set; and other series of the database.
  private static let noZones: Set<Substring> = ["localtime", "posixrules", "Factory", "right", "posix"]

  /// Letters, digits, `_`, `-`, `+` and `/` between parts: no path out of the database.
  private static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard name.utf8.count <= 64, let first = parts.first, !noZones.contains(first) else { return false }
    return parts.allSatisfy { part in
      !part.isEmpty
        && part.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
            true
          default: false
          }
        }
    }
  }

  private static func contents(of path: String) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < 1 << 20 {
      let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      guard count > 0 else { return nil }
      bytes += piece[..<count]
    }
    return nil
  }
}

/// A time zone as intervals of constant offset, from the beginning of time on; its rules are followed until 2100.
public struct Zone: Sendable, Equatable {
  public let name: String
  /// When each interval begins, in milliseconds since 1970; the first is the beginning of time.
  private let starts: [Int64]
  /// Milliseconds east of UTC in each interval.
  private let offsets: [Int64]

  public static let utc = Zone(name: "UTC", [(.min, 0)])

  /// - Parameter intervals: at least one, ascending; milliseconds.
  init(name: String, _ intervals: [(start: Int64, offset: Int64)]) {
    self.name = name
    starts = intervals.map(\.start)
    offsets = intervals.map(\.offset)
  }

  /// Milliseconds east of UTC at an instant in milliseconds since 1970.
  public func offset(at instant: Int64) -> Int64 { offsets[interval(of: instant)] }

  /// The local clock at an instant: milliseconds since 1970 as the wall shows them.
  @inline(__always)
  public func local(_ instant: Int64) -> Int64 { instant &+ offset(at: instant) }

  /// The local day of an instant, in days since 1970.
  public func day(of instant: Int64) -> Int64 { local(instant).flooredDivision(by: Instant.day) }

  /// The first instant after another at which the local day is `day` or a later one; nil when there is none.
  public func firstInstant(ofDay day: Int64, after instant: Int64) -> Int64? {
    let midnight = day * Instant.day
    for index in interval(of: instant + 1)..<starts.count {
      let end = index + 1 < starts.count ? starts[index + 1] : .max
      let candidate = max(starts[index], midnight - offsets[index], instant + 1)
      if candidate < end { return candidate }
    }
    return nil
  }

  /// The number of the last interval that begins at or before the instant.
  private func interval(of instant: Int64) -> Int {
    var (low, high) = (0, starts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= instant { low = middle } else { high = middle }
    }
    return low
  }
}
