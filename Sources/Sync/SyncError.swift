public import Dumps
public import Stores

/// What ends a run of the merge.
public enum SyncError: Error, Sendable {
  case store(StoreError)
  case input(InputError)
  case writeBack(ArchiveWriteError)
  /// The figures do not add up: the program has a mistake, and the store stays as it was.
  case unbalanced(String)
}

extension SyncError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .store(let error): error.description
    case .input(let error): error.description
    case .writeBack(let error): "write-back: \(error)"
    case .unbalanced(let figures):
      "the counts do not balance (\(figures)): the store was left as it was; please report this"
    }
  }
}
