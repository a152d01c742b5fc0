internal import Stores
internal import Synchronization

/// A run's folder and manifest as the thread that hears signals sees them.
final class RunSnapshot: Sendable {
  private let state = Mutex<(folder: RunFolder, manifest: Manifest)?>(nil)

  func show(_ folder: RunFolder, _ manifest: Manifest) { state.withLock { $0 = (folder, manifest) } }

  /// Notes that the process ends now, for what the run did is not known any more.
  ///
  /// - Returns: false where the manifest says already how the run has ended. The process is about to end by itself then,
  ///   with the status that stands there.
  func interrupt() -> Bool {
    state.withLock { state in
      guard let (folder, manifest) = state, let stored = folder.manifest, !stored.isLaterAttempt(than: manifest) else {
        return true
      }
      guard stored.outcome == .running else { return stored.outcome == .interrupted }
      var ended = manifest
      ended.end(.interrupted, .locked, error: "asked twice to stop: ended at once")
      // Nothing is left to be done when it cannot be written: the manifest goes on to say that the run goes on.
      try? folder.write(ended)
      return true
    }
  }
}
