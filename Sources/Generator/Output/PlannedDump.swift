internal import Dumps

/// What is settled about a dump before it is written.
struct PlannedDump {
  let shape: DumpShape
  let envelope: Envelope
  /// The names in `exports/` that it goes to.
  let places: [String]
  let browser: Int
  let exportedAt: Int64
  let isLoggedIn: Bool
  /// How some programs write JSON: everything beyond ASCII as escapes, or a byte order mark at the start.
  let isASCII: Bool
  let hasByteOrderMark: Bool
  let naming: Naming

  enum Naming {
    /// `<user_id>/<device>.json`.
    case folder
    /// `<user_id>.json`.
    case file
    /// `upload-<number>.json`: the dump itself says whose it is.
    case number
  }

  init(
    of listener: Listener, browser: Int, exportedAt: Int64, isOnly: Bool, _ packing: GeneratorOptions.Packing,
    _ random: inout Random
  ) {
    self.browser = browser
    self.exportedAt = exportedAt
    switch packing {
    case .browserArchives(let names):
      (shape, envelope, places, naming, isLoggedIn) = (.localStorage, .none, names, .folder, true)
      (isASCII, hasByteOrderMark) = (false, false)
    case .everyKind:
      isLoggedIn = !random.chance(0.04)
      isASCII = random.chance(0.06)
      hasByteOrderMark = random.chance(0.02)
      if listener.isGuest {
        (shape, envelope, places, naming) = (.localStorage, .none, ["guests.zip"], .folder)
        return
      }
      shape = [.localStorage, .syncRequest, .library][random.weighted([72, 16, 12])]
      let part = random.unit()
      switch shape {
      case .localStorage:
        envelope = part < 0.84 ? .none : part < 0.9 ? .beside : .around
        places = [envelope == .none ? PlannedDump.browserPlace(&random) : "uploads.tar"]
      case .syncRequest:
        envelope = part < 0.2 ? .none : part < 0.6 ? .beside : .around
        places = [envelope == .none ? PlannedDump.browserPlace(&random) : syncRequestsPlace]
      case .library:
        envelope = part < 0.8 ? .none : .around
        places = [envelope == .none ? "mongoexport.ndjson" : "uploads.tar"]
      }
      naming = envelope != .none || shape == .library ? .number : isOnly && random.chance(0.3) ? .file : .folder
    }
  }

  /// Where browsers' own files go. Most to the first; few to the 7z, which is slow to write, and to the folder, whose
  /// files are many.
  private static func browserPlace(_ random: inout Random) -> String {
    ["browsers-0.tar.zst", "browsers-1.tar.gz", "browsers-2.zip", "browsers-3.7z", "devices"][
      random.weighted([62, 16, 13, 3, 6])]
  }
}
