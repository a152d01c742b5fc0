internal import Dumps

/// The folder or archive of the libraries that are written back.
final class WriteBackArchive {
  private var writer: ArchiveWriter?
  private let modifiedAt: Int64

  init(_ path: String, modifiedAt: Int64) throws(SyncError) {
    self.modifiedAt = modifiedAt
    do throws(ArchiveWriteError) { writer = try ArchiveWriter(path: path) } catch { throw .writeBack(error) }
  }

  func add(_ files: [WriteBack]) throws(SyncError) {
    do throws(ArchiveWriteError) {
      for file in files { try writer?.add(name: file.name, contents: file.contents, modifiedAt: modifiedAt) }
    } catch {
      throw .writeBack(error)
    }
  }

  func close() throws(SyncError) {
    do throws(ArchiveWriteError) {
      guard let writer = writer.take() else { return }
      try writer.close()
    } catch {
      throw .writeBack(error)
    }
  }
}
