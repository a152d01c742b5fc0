public import Dumps
public import Stores

/// What ends a run of the merge.
public enum SyncError: Error, Sendable {
  case store(StoreError)
  case input(InputError)
  case writeBack(ArchiveWriteError)
  /// The order of two dumps of this user hangs on login tokens, which an earlier attempt of the run has not kept.
  case tokensGone(user: String)
  /// The figures do not add up: the program has a mistake. A directory stays as it was, and a server's store keeps what
  /// was written.
  case unbalanced(String)
}

extension SyncError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .store(let error): error.description
    case .input(let error): error.description
    case .writeBack(let error): "write-back: \(error)"
    case .tokensGone:
      "two dumps of a user have the same time, and which is the newer hangs on login tokens, which are not kept: "
        + "run again without --resume"
    case .unbalanced(let figures):
      "the counts do not balance (\(figures)): a store that is a folder was left as it was; on a server what was "
        + "written stays, so undo the run; please report this"
    }
  }
}
