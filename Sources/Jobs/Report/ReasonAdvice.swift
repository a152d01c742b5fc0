internal import Library

/// What a reason of the quarantine means and asks for, in two sentences (docs/dumps.md says more).
struct ReasonAdvice {
  let meaning: String
  let advice: String

  init(_ reason: String) {
    (meaning, advice) =
      switch QuarantineReason(rawValue: reason) {
      case .invalidJSON:
        (
          "A dump does not parse, has something behind its end, is empty or is no object.",
          "Export it again; unpack what is an archive under a dump's name."
        )
      case .unknownShape:
        (
          "An object, but with no key of any shape.",
          "Is it a dump at all? Sections under another key need an envelope."
        )
      case .noUser:
        (
          "Nobody is named, or by something that is no text of 1 to 256 bytes.",
          "Put the dump into a folder with the user's id and use --users-from path."
        )
      case .userMismatch:
        ("Path and content name different users, or only one names any.", "Find out who sent it before you use it.")
      case .unknownUser:
        ("The user has no library in the store.", "Create the account, or run without --no-create.")
      case .forgotten: ("The user asked to be forgotten.", "Nothing: remove the dump from where it comes from.")
      case .tooLarge: ("A dump longer than --max-dump-size.", "Raise the limit if it is honest.")
      case .tooDeep:
        ("Nested deeper than --max-depth.", "No client writes such a thing: look at it before you raise the limit.")
      case .tooMany:
        ("An archive with more entries than --max-entries; its rest was not read.", "Raise the limit, or split it.")
      case .bomb:
        (
          "An archive that expands past --max-expansion; its rest was not read.",
          "Raise the limit only if you trust it."
        )
      case .truncated:
        (
          "An archive that is cut or damaged; its rest was not read.",
          "Fetch it again and run again: what was read counts already and is not counted twice."
        )
      case .invalidSection:
        (
          "A section of the wrong type, or a string that does not parse.",
          "Nothing, if other dumps of the user have it; else mend it and feed it in again."
        )
      case .invalidField:
        ("No object, or a title, artist or videoId of another type.", "Mend the entry, or leave it.")
      case .noIdentity: ("Neither videoId nor title.", "Leave it: it names no song.")
      case .noTime: ("A play or a removal without its time.", "Leave it, or find the time.")
      case .futureTime:
        (
          "Later than the run's clock and --max-clock-skew.",
          "A wrong clock: mend the time, and if there are many, check the clock of the machine that runs Mixdown."
        )
      case nil: ("", "")
      }
  }
}
