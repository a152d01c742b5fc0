internal import Digests
internal import Glibc
internal import Library
internal import Stores

/// Where a run keeps which users are settled: in its own folder, for the next run to take over.
public struct SettledPlace: Sendable {
  /// To be raised with every change of the merge's rules or of what is counted.
  private static let version: Int32 = 3
  /// How the files' names begin.
  public static let prefix = "settled-"

  /// The store, and everything else besides dumps, libraries and the clock that a merge depends on.
  let scope: String
  /// The file of this run.
  let path: String
  /// The newest file of the same scope, if there is one.
  let earlier: String?

  /// - Parameters:
  ///   - folder: of this run.
  ///   - earlier: of the runs before it and of itself, the newest first.
  ///   - scope: what decides a merge besides the options: the store, for one.
  public init(folder: String, earlier: [String], scope: String, _ options: SyncOptions) {
    self.scope = "\(Self.version) \(scope) \(options.parameters.exceptClock) \(options.limits)"
    let name = Self.prefix + hexadecimal(sha256(Array(self.scope.utf8)).prefix(8))
    path = folder + "/" + name
    self.earlier = earlier.lazy.map { $0 + "/" + name }.first { unsafe access($0, F_OK) == 0 }
  }

  /// Makes the earlier file this run's.
  func takeOver() throws(StoreError) {
    guard let earlier, earlier != path else { return }
    guard unsafe rename(earlier, path) == 0 else {
      throw .inputOutput(path: earlier, operation: "rename to \(path)", code: errno)
    }
  }

  func removeEarlier() {
    if let earlier, earlier != path { removeFile(earlier) }
  }
}
