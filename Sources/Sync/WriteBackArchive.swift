internal import Dumps

/// The folder or archive of the libraries that are written back.
final class WriteBackArchive {
  private var writer: ArchiveWriter?
  private let clock: Int64

  /// - Parameter clock: of the run, in milliseconds since 1970.
  init(_ path: String, clock: Int64) throws(SyncError) {
    self.clock = clock
    do throws(ArchiveWriteError) { writer = try ArchiveWriter(path: path) } catch { throw .writeBack(error) }
  }

  func add(_ files: [WriteBack]) throws(SyncError) {
    do throws(ArchiveWriteError) {
      for file in files {
        let time = min(file.modifiedAt ?? clock, clock)
        try writer?.add(name: file.name, contents: file.contents, modifiedAt: time)
      }
    } catch {
      throw .writeBack(error)
    }
  }

  /// Writes all of it, and leaves it beside its place.
  func finish() throws(SyncError) {
    do throws(ArchiveWriteError) { try writer?.finish() } catch { throw .writeBack(error) }
  }

  /// Puts it in its place.
  func close() throws(SyncError) {
    do throws(ArchiveWriteError) {
      guard let writer = writer.take() else { return }
      try writer.close()
    } catch {
      throw .writeBack(error)
    }
  }
}
