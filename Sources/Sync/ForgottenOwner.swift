internal import BSON
internal import Library

/// The word that stands where a forgotten user was named.
public let forgottenName = "forgotten"

extension Replica {
  /// Takes forgotten users out of the playlists that a browser of somebody else still says are theirs.
  ///
  /// - Parameters:
  ///   - user: whose replica it is; they are not forgotten.
  ///   - isForgotten: tells whether a user, in UTF-8, has asked for it.
  mutating func disown(_ isForgotten: ([UInt8]) -> Bool, of user: ByteView, in arena: Arena) throws(BSONFault) {
    for playlist in (playlists ?? []).indices {
      for (place, field) in (playlists?[playlist].others ?? []).enumerated()
      where field.key == ByteView("owner_id") {
        guard let owner = field.value.string, owner != user, isForgotten(owner.copy()) else { continue }
        var writer = BSONWriter(capacity: 64)
        let start = writer.open()
        writer.append("owner_id", string: forgottenName)
        writer.close(start)
        var elements = BSONDocument(unchecked: arena.copy(writer.view)).elements
        if let element = try elements.next() { playlists?[playlist].others[place] = element }
      }
    }
  }
}
