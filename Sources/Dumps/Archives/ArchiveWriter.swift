internal import Glibc

/// Writes named files to a folder, a tar (plain, gzip, zstd, xz or bzip2), a zip or a 7z, as the archive's name says.
///
/// Equal files in equal order give equal bytes: nothing of the machine, the user or the clock gets in. The archive
/// is written beside its place under a temporary name and moved there by `close()`, so that nobody sees half of
/// one; without `close()` it is removed. What a process that was killed has left of the same archive is removed, too.
///
/// ```swift
/// var archive = try ArchiveWriter(path: "exports.tar.zst")
/// try archive.add(name: "u1/phone.json", contents: json, modifiedAt: 1_700_000_000_000)
/// try archive.close()
/// ```
public struct ArchiveWriter: ~Copyable {
  private enum Target: ~Copyable {
    case folder(FolderWriter)
    case packed(PackedWriter)

    init(path: String, _ format: ArchiveFormat) throws(ArchiveWriteError) {
      switch format {
      case .folder: self = .folder(try FolderWriter(path: path))
      default: self = .packed(try PackedWriter(path: path, format))
      }
    }
  }

  private let path: String
  private let temporaryPath: String
  private let target: Target
  /// Locked for as long as this process writes.
  private let lock: Descriptor?
  private var (isFinished, isClosed) = (false, false)

  /// Begins an archive at `path`: a folder if the name has no extension or ends with "/", else one of `.tar`,
  /// `.tar.gz`, `.tar.zst`, `.tar.xz`, `.tar.bz2`, their short forms as `.tgz`, `.zip`, `.7z`. A file that is there is
  /// replaced by `close()`.
  ///
  /// - Throws: `.unknownExtension`, `.exists`, `.failed`.
  public init(path: String) throws(ArchiveWriteError) {
    let format = try ArchiveFormat(path: path)
    let place = path.droppingTrailingSlashes
    let parts = ArchiveParts(of: place)
    let temporaryPath = parts.newPath()
    if format == .folder { try FolderWriter.checkVacant(place) }
    // Where they cannot be removed they are in nobody's way.
    do throws(ArchiveWriteError) { try parts.removeLeftovers() } catch {}
    do throws(ArchiveWriteError) {
      target = try Target(path: temporaryPath, format)
    } catch {
      FolderWriter.remove(temporaryPath)
      throw error
    }
    lock = ArchiveParts.lock(temporaryPath)
    self.path = place
    self.temporaryPath = temporaryPath
  }

  /// Checks that the name of an archive says its format, so that a run can fail before it does anything.
  ///
  /// - Throws: `.unknownExtension`.
  public static func checkName(of path: String) throws(ArchiveWriteError) { _ = try ArchiveFormat(path: path) }

  /// Adds a file. Names are not checked for repetition.
  ///
  /// - Parameters:
  ///   - name: "/"-separated path inside the archive.
  ///   - contents: the bytes of the file.
  ///   - modifiedAt: ms since 1970; a zip keeps whole seconds.
  /// - Throws: `.unsafeName`, `.failed`.
  public mutating func add(name: String, contents: [UInt8], modifiedAt: Int64) throws(ArchiveWriteError) {
    let components = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isSafe = components.allSatisfy { component in
      !component.isEmpty && !component.contains(0) && !component.elementsEqual(".".utf8)
        && !component.elementsEqual("..".utf8)
    }
    guard isSafe else { throw .unsafeName(name) }
    switch target {
    case .folder(let folder): try folder.add(name: name, contents: contents, modifiedAt: modifiedAt)
    case .packed(let packed): try packed.add(name: name, contents: contents, modifiedAt: modifiedAt)
    }
  }

  /// Completes the archive, down to the disk, and leaves it beside its place: all is written that can fail for want of
  /// room. Nothing can be added then.
  ///
  /// - Throws: `.failed`.
  public mutating func finish() throws(ArchiveWriteError) {
    guard !isFinished else { return }
    isFinished = true
    switch target {
    case .folder(let folder): try folder.finish()
    case .packed(let packed): try packed.finish()
    }
  }

  /// Completes the archive and moves it to its place, where it is after a power cut too.
  ///
  /// - Throws: `.failed`; then nothing is left of it, unless what failed is to bring its name to the disk.
  public consuming func close() throws(ArchiveWriteError) {
    try finish()
    guard unsafe rename(temporaryPath, path) == 0 else {
      throw .failed(path: path, detail: systemMessage(errno))
    }
    isClosed = true
    try ArchiveParts(of: path).synchronize()
  }

  /// Removes what a process that was killed has left of an archive beside its place: nobody has a use for it, and it
  /// holds what was to be in the archive.
  ///
  /// - Throws: `.failed` when the folder cannot be searched, or something there cannot be removed.
  public static func removeLeftovers(of path: String) throws(ArchiveWriteError) {
    try ArchiveParts(of: path.droppingTrailingSlashes).removeLeftovers()
  }

  deinit { if !isClosed { FolderWriter.remove(temporaryPath) } }
}

extension String {
  fileprivate var droppingTrailingSlashes: String {
    var text = Substring(self)
    while text.utf8.count > 1, text.utf8.last == UInt8(ascii: "/") { text.removeLast() }
    return String(text)
  }
}
