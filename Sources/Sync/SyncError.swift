public import Dumps
public import Stores

/// What ends a run of the merge.
public enum SyncError: Error, Sendable {
  case store(StoreError)
  case input(InputError)
  case writeBack(ArchiveWriteError)
  /// The order of two dumps of this user hangs on login tokens, which an earlier attempt of the run has not kept.
  case tokensGone(user: String)
  /// The figures do not add up: the program has a mistake, and the store stays as it was.
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
      "the counts do not balance (\(figures)): the store was left as it was; please report this"
    }
  }
}
