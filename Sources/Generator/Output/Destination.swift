internal import Dumps

/// Where dumps go: a folder, a file of lines, an archive.
protocol Destination: AnyObject {
  /// Adds one dump.
  ///
  /// - Parameters:
  ///   - name: its path inside; a file of lines has no use for it.
  ///   - time: when it was taken, in ms since 1970.
  func add(_ name: String, _ contents: [UInt8], modifiedAt time: Int64) throws(GeneratorError)
  /// Ends it; its own time is `time`.
  func finish(modifiedAt time: Int64) throws(GeneratorError)
}

/// A folder, or an archive of the kind that its name says.
final class ArchiveDestination: Destination {
  private let path: String
  private var archive: ArchiveWriter?

  init(_ path: String) throws(GeneratorError) {
    self.path = path
    archive = try naming(path) { () throws(ArchiveWriteError) in try ArchiveWriter(path: path) }
  }

  func add(_ name: String, _ contents: [UInt8], modifiedAt time: Int64) throws(GeneratorError) {
    try naming(path) { () throws(ArchiveWriteError) in
      try archive?.add(name: name, contents: contents, modifiedAt: time)
    }
  }

  func finish(modifiedAt time: Int64) throws(GeneratorError) {
    try naming(path) { () throws(ArchiveWriteError) in try archive.take()?.close() }
    try setTime(of: path, to: time)
  }
}

/// Does what may fail with the archive at `path`, in the words of this target.
private func naming<Result: ~Copyable>(
  _ path: String, _ work: () throws(ArchiveWriteError) -> Result
) throws(GeneratorError) -> Result {
  do throws(ArchiveWriteError) {
    return try work()
  } catch {
    throw .archive(path: path, why: error.description)
  }
}

/// A file with a dump a line. Its time is that of the newest, for most of its dumps say none themselves.
final class LinesDestination: Destination {
  private var file: OutputFile?
  private var newest: Int64 = 0

  init(_ path: String) throws(GeneratorError) { file = try OutputFile(path) }

  func add(_ name: String, _ contents: [UInt8], modifiedAt time: Int64) throws(GeneratorError) {
    try file?.write(contents)
    try file?.write([UInt8(ascii: "\n")])
    newest = max(newest, time)
  }

  func finish(modifiedAt time: Int64) throws(GeneratorError) { try file.take()?.finish(modifiedAt: newest) }
}

/// An archive of files with a dump a line, as a server's rotated logs are.
final class PartsDestination: Destination {
  private let archive: ArchiveDestination
  private var part: [UInt8] = []
  private var parts = 0
  private var newest: Int64 = 0

  /// Small enough to keep in memory while an archive's entry must be whole.
  private static let partSize = 4 << 20

  init(_ path: String) throws(GeneratorError) { archive = try ArchiveDestination(path) }

  func add(_ name: String, _ contents: [UInt8], modifiedAt time: Int64) throws(GeneratorError) {
    part.append(contentsOf: contents)
    part.append(UInt8(ascii: "\n"))
    newest = max(newest, time)
    if part.count >= Self.partSize { try finishPart() }
  }

  func finish(modifiedAt time: Int64) throws(GeneratorError) {
    if !part.isEmpty { try finishPart() }
    try archive.finish(modifiedAt: time)
  }

  private func finishPart() throws(GeneratorError) {
    try archive.add("requests-\(parts).ndjson", part, modifiedAt: newest)
    part.removeAll(keepingCapacity: true)
    parts += 1
  }
}

/// Another place that is torn when it is finished: the last two fifths of its file are gone, as after a transfer that
/// broke off.
final class TornDestination: Destination {
  private let whole: any Destination
  private let path: String

  init(_ whole: any Destination, at path: String) {
    self.whole = whole
    self.path = path
  }

  func add(_ name: String, _ contents: [UInt8], modifiedAt time: Int64) throws(GeneratorError) {
    try whole.add(name, contents, modifiedAt: time)
  }

  func finish(modifiedAt time: Int64) throws(GeneratorError) {
    try whole.finish(modifiedAt: time)
    try cut(path, to: size(of: path) * 3 / 5)
    try setTime(of: path, to: time)
  }
}

/// Makes a place; tests put another in its stead.
typealias DestinationMaker = (String) throws(GeneratorError) -> any Destination

/// What kind of place a path is shows in its name.
func makeDestination(_ path: String) throws(GeneratorError) -> any Destination {
  if path.hasSuffix(".ndjson") { return try LinesDestination(path) }
  if path.hasSuffix("/" + syncRequestsPlace) { return try PartsDestination(path) }
  let archive = try ArchiveDestination(path)
  return path.hasSuffix("/" + tornPlace) ? TornDestination(archive, at: path) : archive
}

/// Checks that the name of a place shows of what kind it is.
func checkDestination(_ name: String) throws(GeneratorError) {
  if name.hasSuffix(".ndjson") { return }
  do throws(ArchiveWriteError) {
    try ArchiveWriter.checkName(of: name)
  } catch {
    throw .invalidOption(name: "archives", value: name, allowed: "another name: \(error)")
  }
}

/// Whose entries are files of lines.
let syncRequestsPlace = "sync-requests.tar.gz"
/// The archive that ends too early.
let tornPlace = "torn.tar.gz"
