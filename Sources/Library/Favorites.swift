internal import BSON

/// Favorites – union by song key, the newer `addedAt` wins.
///
/// Entries with the same song key are one favourite. Its `addedAt` is the greatest of them; every other field takes
/// the value of the entry with the greatest `addedAt` that has the field, so that a newer favourite which carries only
/// a title does not erase the language that the cloud knew. Order: `addedAt` ascending, as the browser appends.
enum Favorites {
  static func merged(
    _ lists: [[Entry]], removed: TombstoneSet, fates: inout EntryFates, in arena: Arena
  ) throws(BSONFault) -> [Entry] {
    var groups = EntryGroups(capacity: lists.reduce(0) { $0 + $1.count })
    for list in lists { for entry in list { groups.add(entry) } }
    fates.merged += groups.duplicates
    var favorites: [Entry] = []
    favorites.reserveCapacity(groups.count)
    for index in 0..<groups.count {
      let favorite = try groups.joined(index, in: arena)
      if let removedAt = removed.removedAt(song: favorite.key), removedAt >= favorite.addedAt {
        fates.removed += 1
      } else {
        favorites.append(favorite)
      }
    }
    favorites.sort { $0.addedAt != $1.addedAt ? $0.addedAt < $1.addedAt : $0.key < $1.key }
    fates.kept += favorites.count
    return favorites
  }
}
