public import BSON
internal import Digests

/// The ids that playlists have before and after the cloud knows them.
public enum PlaylistID {
  /// Whether a browser made the id: `pl_<ms>_<random>`.
  public static func isLocal(_ id: ByteView) -> Bool {
    id.count >= 3 && id[0] == UInt8(ascii: "p") && id[1] == UInt8(ascii: "l") && id[2] == UInt8(ascii: "_")
  }

  /// The server's id for a new playlist: `playlist_` + the first 12 characters of the lower-case base32 (RFC 4648) of
  /// SHA-256(user + "\n" + local id). The same import, twice or by two runs at once, yields the same playlist.
  public static func server(user: ByteView, local: ByteView) -> [UInt8] {
    let digest = sha256(user.copy() + [0x0A] + local.copy())
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    var id = Array("playlist_".utf8)
    var bits: UInt32 = 0
    var held: UInt32 = 0
    for byte in digest.prefix(8) {
      bits = bits << 8 | UInt32(byte)
      held += 8
      while held >= 5, id.count < 21 {
        id.append(alphabet[Int(bits >> (held - 5) & 31)])
        held -= 5
      }
    }
    return id
  }
}
