/// Votes counted by song, field and value: open addressing, no deletion.
struct VoteTable: Sendable {
  private var votes: [CatalogueVotes.Vote?] = []
  private var counts: [Int32] = []
  private var filled = 0
  /// Drawn, so that nobody can make up values that all fall into one place.
  private let seed = UInt64.random(in: 0 ... .max)

  mutating func add(_ vote: CatalogueVotes.Vote, count: Int32 = 1) {
    if filled * 2 >= votes.count { grow() }
    let slot = slot(of: vote)
    if votes[slot] == nil {
      votes[slot] = vote
      filled += 1
    }
    counts[slot] += count
  }

  mutating func merge(_ other: VoteTable, where isWanted: (CatalogueVotes.Vote) -> Bool = { _ in true }) {
    for (vote, count) in zip(other.votes, other.counts) {
      if let vote, isWanted(vote) { add(vote, count: count) }
    }
  }

  /// Every vote with its count, by song.
  var bySong: [(key: CatalogueVotes.Vote, value: Int32)] {
    zip(votes, counts).compactMap { vote, count in vote.map { (key: $0, value: count) } }
      .sorted { $0.key.song < $1.key.song }
  }

  private func slot(of vote: CatalogueVotes.Vote) -> Int {
    let mask = votes.count - 1
    let word = seed ^ vote.value ^ UInt64(UInt32(bitPattern: vote.song)) << 32 ^ UInt64(vote.field.rawValue) << 24
    let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    var slot = Int(truncatingIfNeeded: product.high ^ product.low) & mask
    while let known = votes[slot], known != vote { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let (oldVotes, oldCounts) = (votes, counts)
    let size = max(1024, votes.count * 2)
    votes = Array(repeating: nil, count: size)
    counts = Array(repeating: 0, count: size)
    for (vote, count) in zip(oldVotes, oldCounts) {
      guard let vote else { continue }
      let slot = slot(of: vote)
      (votes[slot], counts[slot]) = (vote, count)
    }
  }
}
