internal import BSON

/// An invented song. Its texts lie in the catalogue's memory.
struct Song {
  let title: ByteView
  let artist: ByteView
  /// Eleven characters, or a server's UUID; empty for a song that is known by its title alone.
  let videoID: ByteView
  /// The address of a picture; empty where there is no `videoID`.
  let artwork: ByteView
  /// In seconds.
  let duration: Int64
  /// An index of `Language.all`.
  let language: Int
  /// Indices of `genreNames`.
  let genres: Choices
  /// Indices of `moodNames`.
  let moods: Choices

  /// Whether no video of it is known.
  var isKnownByTitle: Bool { videoID.isEmpty }
}

/// A few indices of a short list, as bits.
struct Choices: Sequence, Equatable {
  private var bits: UInt64 = 0

  init(_ indices: [Int] = []) {
    for index in indices { insert(index) }
  }

  var isEmpty: Bool { bits == 0 }

  mutating func insert(_ index: Int) { bits |= 1 << UInt64(index) }

  func contains(_ index: Int) -> Bool { bits >> UInt64(index) & 1 == 1 }

  /// Ascending.
  func makeIterator() -> Iterator { Iterator(bits: bits) }

  struct Iterator: IteratorProtocol {
    fileprivate var bits: UInt64

    mutating func next() -> Int? {
      guard bits != 0 else { return nil }
      defer { bits &= bits - 1 }
      return bits.trailingZeroBitCount
    }
  }
}
