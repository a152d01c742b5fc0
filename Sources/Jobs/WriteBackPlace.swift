internal import Dumps
internal import Glibc
internal import Stores

/// Where a run writes libraries back: never in the place of what it reads, nor where it or a later run would read it.
public struct WriteBackPlace {
  private let path: String
  private let resolved: String

  /// - Parameter path: as it was named; there need be nothing yet.
  public init(_ path: String) {
    self.path = path
    resolved = pathWithoutLinks(path)
  }

  /// - Throws: when its name says no format, when it is an input, or lies in one or in the store. Nothing was read then.
  public func check(inputs: [String], store: String) throws(StepFailure) {
    do throws(ArchiveWriteError) {
      try ArchiveWriter.checkName(of: path)
    } catch {
      throw StepFailure(.usage, "--write-back: \(error).")
    }
    for input in inputs {
      if isSame(as: input) { throw refusal("is the input \(input), and would take its place") }
      if lies(in: input) { throw refusal("lies in the input \(input), of which it would be a part") }
    }
    if !MongoAddress.isAddress(store), lies(in: store) { throw refusal("lies in the store \(store)") }
  }

  private func refusal(_ why: String) -> StepFailure {
    StepFailure(.usage, "--write-back \(path): it \(why). Name another place. Nothing was read or written.")
  }

  private func isSame(as other: String) -> Bool {
    var (own, others) = (stat(), stat())
    guard unsafe stat(path, &own) == 0, unsafe stat(other, &others) == 0 else { return false }
    return own.st_dev == others.st_dev && own.st_ino == others.st_ino
  }

  /// Whether it would be in this folder, or be it, at any depth.
  private func lies(in folder: String) -> Bool {
    let folder = pathWithoutLinks(folder)
    return resolved.isSame(as: folder) || resolved.utf8.starts(with: (folder == "/" ? folder : folder + "/").utf8)
  }
}
