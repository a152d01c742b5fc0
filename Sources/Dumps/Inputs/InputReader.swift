internal import Digests

/// Reads the dumps of an input: a JSON or NDJSON file, a directory, an archive or a compressed file, told apart
/// by content (docs/dumps.md).
///
/// Everything streams: memory is bounded by one dump and some buffers, whatever the size of the input. What
/// cannot be used is an event, too; only what the system itself refuses to read is an error.
///
/// ```swift
/// let reader = InputReader(limits: Limits())
/// let digest = try reader.read("exports.tar.zst") { event in
///   if case .dump(let dump) = event { parse(dump) }
///   return !isInterrupted
/// }
/// ```
public struct InputReader: Sendable {
  public let limits: Limits
  /// Is told how many bytes of an input were read, again and again; from the thread that reads.
  public var onRead: @Sendable (Int) -> Void = { _ in }

  public init(limits: Limits = Limits()) {
    self.limits = limits
  }

  /// Checks that inputs are there and can be opened, so that a run can fail before it changes anything.
  public static func check(_ paths: [String]) throws(InputError) {
    prepareForArchives()
    for path in paths { _ = try OpenedInput(path) }
  }

  /// The bytes of an input that are to be read: of the file, or of all files in the directory.
  public func size(of path: String) throws(InputError) -> Int {
    switch try OpenedInput(path) {
    case .file(let file): return file.size
    case .directory(let walk): return try walk.size()
    }
  }

  /// Reads one input from front to back, a directory sorted by path.
  ///
  /// - Parameters:
  ///   - path: of a file or directory; a link is followed.
  ///   - sink: takes what is found, in order, and returns whether it wants more.
  /// - Returns: what was read.
  /// - Throws: when the system does not let the input, or a file of the directory, be opened or read.
  public func read(_ path: String, _ sink: (InputEvent) -> Bool) throws(InputError) -> InputDigest {
    let input = try OpenedInput(path)
    do throws(ReadFailure) {
      return try withoutActuallyEscaping(sink) { (sink) throws(ReadFailure) -> InputDigest in
        let delivery = Delivery(input: path, limits: limits, sink: sink)
        switch input {
        case .file(let file): return try read(file, path, delivery)
        case .directory(let walk): return try read(walk, path, delivery)
        }
      }
    } catch {
      // Faults of the data have been handed to the sink: what is left is the system's failure or the sink's wish.
      if case .input(let error) = error { throw error }
      return InputDigest(path: path, bytes: 0, sha256: nil)
    }
  }

  private func read(_ file: InputFile, _ path: String, _ delivery: Delivery) throws(ReadFailure) -> InputDigest {
    file.onRead = onRead
    let name = Array(DumpName.components(of: Array(path.utf8)).suffix(1))
    let place = Place(name, entry: nil, modifiedAt: file.modifiedAt, size: file.size)
    _ = try FileWalk(delivery: delivery).read(file, at: place, isInput: true)
    let (bytes, sha256) = try file.digest()
    return InputDigest(path: path, bytes: bytes, sha256: sha256)
  }

  private func read(
    _ walk: DirectoryWalk, _ path: String, _ delivery: Delivery
  ) throws(ReadFailure) -> InputDigest {
    var records = SHA256()
    var total = 0
    while let found = try nextFile(walk) {
      switch found {
      case .other(let path, let why): try delivery.skip(path, why)
      case .file(let file, let path):
        file.onRead = onRead
        let components = DumpName.components(of: path)
        let name = String(decoding: path, as: UTF8.self)
        let place = Place(components, entry: name, modifiedAt: file.modifiedAt, size: file.size)
        guard try FileWalk(delivery: delivery).read(file, at: place, isInput: false) else {
          file.passOver()
          continue
        }
        let (bytes, sha256) = try file.digest()
        records.update(path + [0] + Array(String(bytes).utf8) + [0] + sha256)
        total += bytes
      }
    }
    return InputDigest(path: path, bytes: total, sha256: records.finish())
  }

  private func nextFile(_ walk: DirectoryWalk) throws(ReadFailure) -> DirectoryWalk.Found? {
    do throws(InputError) { return try walk.next() } catch { throw .input(error) }
  }
}

extension SHA256 {
  fileprivate mutating func update(_ part: [UInt8]) { unsafe part.withUnsafeBytes { unsafe update($0) } }
}
