package import BSON
package import Glibc

/// Writes a file whole or not at all: it is on disk before it takes the place of what was there.
///
/// - Parameter mode: the permissions that it has at least, whatever the umask says.
package func writeWhole(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(StoreError) {
  let file = try PartialFile(path + ".partial", mode: mode)
  try file.allow(mode)
  try file.append(bytes)
  try file.synchronize()
  try file.replace(path)
}

/// A file that is being written beside the one it is to replace, and that is removed unless it does.
///
/// Writing goes front to back through one buffer. The system is asked early to bring what was written to disk, so that
/// little is left to wait for at the end.
///
/// What was kept from the old file is read into the buffer and written out of it. Measured against that, `write(2)`
/// out of the mapping is slower, for every page is faulted in first, and `copy_file_range` is no faster where it cannot
/// share blocks, which it cannot at odd offsets.
///
/// Safe to use although it allocates by hand: the buffer is this object's own, freed in `deinit`; at most its size is
/// ever written to it. For one thread at a time.
@safe
package final class PartialFile {
  let path: String
  private let file: PosixFile
  private let buffer: UnsafeMutableRawBufferPointer
  private var buffered = 0
  /// Bytes that the system has.
  private var written = 0
  /// Of these, how many it was asked to bring to disk.
  private var writtenBack = 0
  /// For how many room was taken.
  private var reserved = 0
  private var isPending = true

  /// All but the file's end is written in multiples of this, in bytes. Measured on ext4, the system takes half as long for
  /// such pieces as for ones that begin and end anywhere.
  private static let bufferSize = 1 << 17
  private static let writebackStep = 8 << 20

  /// Creates the file; one that a killed run left there is removed.
  ///
  /// - Parameters:
  ///   - replaced: the file that this one will replace, whose owner and permissions it takes over.
  ///   - mode: the permissions, as far as the umask allows, where there is none.
  package init(_ path: String, replacing replaced: FileStatus? = nil, mode: mode_t = 0o644) throws(StoreError) {
    self.path = path
    // Not truncated but removed: whoever else may have that file, by a link or open, keeps it as it is. When it cannot
    // be removed, creating it tells why.
    removeFile(path)
    file = try PosixFile(
      path, O_WRONLY | O_CREAT | O_EXCL, mode: replaced == nil ? mode : 0o600, operation: "create")
    unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 4096)
    if let replaced { try take(replaced) }
  }

  deinit {
    remove()
    unsafe buffer.deallocate()
  }

  private func take(_ replaced: FileStatus) throws(StoreError) {
    let own = try file.status()
    if own.owner != replaced.owner || own.group != replaced.group {
      // Only root may give files away. For others the new file is theirs, as any that they write.
      _ = fchown(file.descriptor, replaced.owner, replaced.group)
    }
    try system("set the permissions of", path) { fchmod(file.descriptor, replaced.permissions) }
  }

  /// Gives the file permissions that the umask has kept from it.
  func allow(_ mode: mode_t) throws(StoreError) {
    guard try file.status().permissions & mode != mode else { return }
    try system("set the permissions of", path) { fchmod(file.descriptor, mode) }
  }

  // MARK: Writing

  /// All bytes appended so far.
  var size: Int { written + buffered }

  /// Takes room on the volume for as many bytes as the file will have, if it has not yet more.
  ///
  /// That also makes writing cheaper: measured on ext4, by a third of the system's time.
  ///
  /// - Throws: ``StoreError/noRoom(path:needed:free:)`` when the volume has fewer bytes left than these.
  func reserve(_ size: Int) throws(StoreError) {
    try checkRoom(for: size)
    guard size > written else { return }
    try file.reserve(size)
    reserved = size
  }

  /// Throws ``StoreError/noRoom(path:needed:free:)`` when the volume has fewer bytes left than these.
  func checkRoom(for needed: Int) throws(StoreError) {
    if let free = file.room(), free < needed {
      throw .noRoom(path: path, needed: Int64(needed), free: free)
    }
  }

  package func append(_ bytes: ByteView) throws(StoreError) {
    if buffered + bytes.count < Self.bufferSize { put(bytes) } else { try append([bytes]) }
  }

  /// Appends pieces one after another. What goes to the system goes from where it lies, behind what is in the buffer; the
  /// rest is put there.
  func append(_ pieces: [ByteView]) throws(StoreError) {
    let size = pieces.reduce(buffered) { $0 + $1.count }
    let whole = size - size % Self.bufferSize
    var parts = unsafe [UnsafeRawBufferPointer(rebasing: buffer[..<buffered])]
    var rest = pieces[...]
    var left = whole - buffered
    while left > 0, let piece = rest.popFirst() {
      let part = piece.slice(0, min(piece.count, left))
      // A view's bytes stay where they are as long as the caller has it.
      unsafe parts.append(part.withUnsafeBytes { unsafe $0 })
      left -= part.count
      if part.count < piece.count { rest = [piece.dropFirst(part.count)] + rest }
    }
    if whole > 0 {
      try unsafe file.write(parts)
      buffered = 0
      wrote(whole)
    }
    for piece in rest { put(piece) }
  }

  /// Copies bytes into the buffer, for which there must be room.
  private func put(_ bytes: ByteView) {
    unsafe bytes.withUnsafeBytes { source in
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[buffered...]).copyMemory(from: source)
    }
    buffered += bytes.count
  }

  package func append(_ bytes: [UInt8]) throws(StoreError) {
    try bytes.withView { view in Result { () throws(StoreError) in try append(view) } }.get()
  }

  /// Appends a range of another file.
  ///
  /// - Throws: `inputOutput`; `inconsistent` when the other file ends before the range does.
  func append(from source: borrowing PosixFile, _ range: Range<Int>) throws(StoreError) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = min(range.upperBound - offset, Self.bufferSize - buffered)
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[buffered..<buffered + count])
      guard try unsafe source.read(into: room, at: offset) == count else {
        throw .inconsistent(path: source.path, why: "it became shorter while it was read")
      }
      try advance(count)
      offset += count
    }
  }

  /// Counts bytes that were put into the buffer, and empties it when it is full.
  private func advance(_ count: Int) throws(StoreError) {
    buffered += count
    if buffered == Self.bufferSize { try flush() }
  }

  private func flush() throws(StoreError) {
    let count = buffered
    guard count > 0 else { return }
    buffered = 0
    try unsafe file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    wrote(count)
  }

  /// Counts bytes that the system has taken, and asks it now and then to bring them to disk.
  private func wrote(_ count: Int) {
    written += count
    if written - writtenBack >= Self.writebackStep {
      file.startWriteback(writtenBack..<written)
      writtenBack = written
    }
  }

  // MARK: Ending

  /// Returns when everything appended is on disk.
  package func synchronize() throws(StoreError) {
    try finish()
    try file.synchronize()
  }

  /// Returns when everything appended is on disk, and `check` has looked at it meanwhile.
  ///
  /// - Parameter check: is handed the file as one that is opened anew: what the system has of it.
  func synchronize(checking check: @Sendable (MappedFile) throws(StoreError) -> Void) throws(StoreError) {
    try finish()
    let reopened = try reopened()
    let (descriptor, path) = (file.descriptor, path)
    try inParallel(2) { part, _ throws(StoreError) in
      if part == 0 { try PosixFile.synchronize(descriptor, path) } else { try check(reopened) }
    }
  }

  private func finish() throws(StoreError) {
    try flush()
    // Gives back what was taken for nothing.
    if reserved > written { try file.truncate(to: written) }
  }

  private func reopened() throws(StoreError) -> MappedFile { try MappedFile(PosixFile(path, O_RDONLY)) }

  /// The file as it is now, for reading, without waiting for the disk.
  func finished() throws(StoreError) -> MappedFile {
    try flush()
    return try reopened()
  }

  /// Puts the file in its place.
  package func replace(_ final: String) throws(StoreError) {
    try flush()
    try system("rename to \(final)", path) { unsafe rename(path, final) }
    isPending = false
  }

  /// Removes the file, unless it is in its place already.
  func remove() {
    if isPending { removeFile(path) }
    isPending = false
  }
}
