import BSON
import Foundation
import Stores

/// What tests look at in a stored library.
struct Stored: Decodable, Equatable {
  struct Song: Decodable, Equatable {
    let videoId: String?
    let title: String?
  }
  struct Playlist: Decodable, Equatable {
    let id: String
    let name: String?
    let clientIds: [String]?
    let songs: [Song]
  }
  struct Preferences: Decodable, Equatable {
    let shuffle: Bool?
    let `repeat`: String?
    let volume: Double?
  }

  let userId: String
  let favorites, history, queue: [Song]?
  let playlists: [Playlist]?
  let preferences: Preferences?
  let recentSearches: [String]?
  let totalSongsPlayed: Int?

  /// The ids of these songs.
  static func ids(_ songs: [Song]?) -> [String]? { songs?.map { $0.videoId ?? "" } }
}

extension Sandbox {
  /// All libraries of the store, in its order.
  var libraries: [Stored] {
    get throws {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let collection = try DirectoryStore.open(store, locking: false).collection(.userLibrary)
      var libraries: [Stored] = []
      for position in 0..<collection.count {
        var json = JSONText()
        try json.document(try collection.document(at: position))
        libraries.append(try decoder.decode(Stored.self, from: Data(json.bytes)))
      }
      return libraries
    }
  }

  func library(of user: String) throws -> Stored? { try libraries.first { $0.userId == user } }
}
