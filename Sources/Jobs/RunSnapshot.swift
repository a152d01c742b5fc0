internal import Stores
internal import Synchronization

/// A run's folder and manifest as the thread that hears signals sees them.
final class RunSnapshot: Sendable {
  private let state = Mutex<(folder: RunFolder, manifest: Manifest)?>(nil)

  func show(_ folder: RunFolder, _ manifest: Manifest) { state.withLock { $0 = (folder, manifest) } }

  /// Notes that the process ends now, for what the run did is not known any more.
  func interrupt() {
    state.withLock { state in
      guard let (folder, manifest) = state, let stored = folder.manifest, stored.outcome == .running,
        !stored.isLaterAttempt(than: manifest)
      else { return }
      var ended = manifest
      ended.end(.interrupted, .locked, error: "asked twice to stop: ended at once")
      // Nothing is left to be done when it cannot be written: the manifest goes on to say that the run goes on.
      do throws(StoreError) { try folder.write(ended) } catch { return }
    }
  }
}
