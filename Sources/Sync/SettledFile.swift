internal import BSON
internal import Digests
internal import Stores

/// The file of an earlier run, mapped.
final class SettledFile: Sendable {
  static let sum: StaticString = "sum"

  /// What its records are about.
  let about: [UInt8]
  private let mapping: MappedFile
  /// Where each record begins, in bytes.
  private let offsets: [Int]
  /// The record of each user, by the id's fingerprint.
  private let places: [UInt64: Int]
  /// Records that are not found, because a later one has the same fingerprint.
  let hidden: [Int]

  var count: Int { offsets.count }

  /// Nil when there is none, or none that is whole and about the same.
  init?(_ path: String, about: [UInt8]) {
    do throws(StoreError) {
      guard let mapping = try MappedFile.ifPresent(path), let offsets = Self.offsets(mapping.bytes, about: about)
      else { return nil }
      self.mapping = mapping
      self.offsets = offsets
    } catch {
      return nil
    }
    self.about = about
    var (places, hidden): ([UInt64: Int], [Int]) = ([:], [])
    places.reserveCapacity(offsets.count)
    for (place, offset) in offsets.enumerated() {
      guard let id = (try? mapping.bytes.document(at: offset)?.value("user"))?.string else { return nil }
      if let before = places.updateValue(place, forKey: id.fingerprint) { hidden.append(before) }
    }
    (self.places, self.hidden) = (places, hidden)
  }

  /// Where the records begin.
  private static func offsets(_ bytes: ByteView, about: [UInt8]) -> [Int]? {
    var offsets: [Int] = []
    var offset = 0
    while offset < bytes.count {
      guard let document = bytes.document(at: offset) else { return nil }
      offsets.append(offset)
      offset += document.bytes.count
    }
    guard let end = offsets.popLast(), let start = offsets.popLast() else { return nil }
    var sum = Checksum()
    unsafe bytes.slice(0, end).withUnsafeBytes { unsafe sum.update($0) }
    let written = (try? bytes.document(at: end)?.value(Self.sum))?.binary?.copy()
    guard written == sum.finish(), bytes.slice(start, end - start).copy() == about else { return nil }
    return offsets
  }

  func place(of user: ByteView) -> Int? { places[user.fingerprint] }

  /// - Parameter place: one of `0..<count`.
  func record(at place: Int) -> BSONDocument {
    mapping.bytes.document(at: offsets[place]) ?? .empty
  }
}
