internal import BSON
internal import Library
internal import Stores

/// Brings the plays of a batch's users into the play archive (docs/learning.md).
struct ArchiveMerge {
  let archive: any StoredCollection
  let worker: Worker

  /// Notes in each user which months change.
  func merge(_ users: inout [MergedUser]) throws(StoreError) {
    let adding = users.indices.filter { !users[$0].plays.isEmpty }
    var rest = adding[...]
    while !rest.isEmpty {
      let keys = rest.map { users[$0].id }
      let first = rest.compactMap { worker.firstMonth(of: users[$0].plays) }.min()
      let stored = try archive.documents(of: keys, since: first, limit: BatchMerge.fetchLimit, in: worker.arena)
      for (index, documents) in zip(rest, stored) { try merge(&users[index], documents) }
      rest = rest.dropFirst(max(1, stored.count))
    }
  }

  private func merge(_ user: inout MergedUser, _ stored: [BSONDocument]) throws(StoreError) {
    let months: [PlayArchive.Month]
    do throws(BSONFault) {
      months = try worker.months(adding: user.plays, of: user.id, to: stored)
    } catch {
      throw archive.refusal(of: user.id, error)
    }
    for month in months {
      guard let change = month.change(of: user.id) else {
        user.archiveReports.append(
          UserReport(user: user.id.string, reason: .documentTooLarge, detail: month.excess))
        continue
      }
      user.archived.append(change)
    }
  }
}
