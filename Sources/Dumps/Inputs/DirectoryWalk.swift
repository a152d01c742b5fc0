internal import Glibc

/// Finds the files under a directory, sorted by the bytes of their relative paths.
///
/// Only regular files are opened, also through a link. Links to directories are not followed, so that the walk
/// ends and stays inside; FIFOs, sockets and devices are not touched, so that it does not hang. Stores and the folders of
/// runs below it are passed over: what a run has left there is no dump.
final class DirectoryWalk {
  enum Found {
    /// A file, and its path as the system has it, which need not be UTF-8.
    case file(InputFile, path: [UInt8])
    /// What is passed over, and why.
    case other(path: String, why: String)
  }

  private let root: Descriptor
  private let rootPath: String
  /// The relative paths that are still to be visited, as the system has them; the next is the last. Those of
  /// directories end with "/", which sorts them where their files belong: "a-b.json", "a.json", "a/b.json".
  private var pending: [[UInt8]]

  /// - Parameters:
  ///   - root: the directory, open.
  ///   - path: its path, for messages.
  init(_ root: consuming Descriptor, path: String) {
    self.root = root
    rootPath = path
    pending = [Self.root]
  }

  /// The next file, or what stands in its place; nil at the end.
  ///
  /// - Throws: when the system does not let a file or directory be opened or listed.
  func next() throws(InputError) -> Found? {
    while let path = pending.popLast() {
      guard path.last == Self.slash else { return try open(path) }
      if let why = try enter(path) {
        return .other(path: String(decoding: path.dropLast(), as: UTF8.self), why: why)
      }
    }
    return nil
  }

  /// The bytes of all files that are still to come, of which none is opened; the walk ends with it.
  ///
  /// - Throws: when the system does not let a file be looked at or a directory be listed.
  func size() throws(InputError) -> Int {
    var size = 0
    while let path = pending.popLast() {
      if path.last == Self.slash {
        _ = try enter(path)
      } else if case .file(let status) = try look(path) {
        size += Int(status.st_size)
      }
    }
    return size
  }

  /// Puts what is in a directory on the list.
  ///
  /// - Returns: why it is passed over instead; nil for most.
  private func enter(_ path: [UInt8]) throws(InputError) -> String? {
    let names = try list(path)
    if let why = Self.owner(of: path, holding: names) { return why }
    pending += names.map { path == Self.root ? $0 : path + $0 }
    return nil
  }

  /// What a name stands for, before it is opened.
  private enum Look {
    case file(stat)
    /// What is passed over, by why.
    case other(String)
  }

  private func look(_ path: [UInt8]) throws(InputError) -> Look {
    var status = stat()
    guard unsafe fstatat(root.number, cString(path), &status, 0) == 0 else {
      switch errno {
      case ELOOP: return .other("a loop of links")
      case ENOENT: return .other("a link to nothing, or gone")
      default: throw .last("\(rootPath)/\(String(decoding: path, as: UTF8.self))")
      }
    }
    switch status.kind {
    case S_IFREG: return .file(status)
    case S_IFDIR: return .other("a link to a directory")
    default: return .other("neither a file nor a directory")
    }
  }

  private func open(_ path: [UInt8]) throws(InputError) -> Found {
    let name = String(decoding: path, as: UTF8.self)
    if case .other(let why) = try look(path) { return .other(path: name, why: why) }
    let cPath = cString(path)
    guard let file = Descriptor(at: root.number, cPath) else {
      if errno == ENOENT { return .other(path: name, why: "gone") }
      throw .last("\(rootPath)/\(name)")
    }
    // The name may mean another file by now: what counts is what was opened.
    guard let opened = file.status, opened.kind == S_IFREG else {
      return .other(path: name, why: "changed while it was opened")
    }
    return .file(InputFile(file, status: opened, path: "\(rootPath)/\(name)"), path: path)
  }

  /// Why a directory is passed over that Mixdown keeps for itself; nil for all others. The input itself is none of them:
  /// it was asked for.
  private static func owner(of path: [UInt8], holding names: [[UInt8]]) -> String? {
    guard path != root, let name = path.split(separator: slash).last else { return nil }
    func holds(_ file: String) -> Bool { names.contains(Array(file.utf8)) }
    if holds(".mixdown.lock") { return "a store" }
    // A run's id has 26 letters and digits.
    let isRunID = name.count == 26 && name.allSatisfy { (48..<58).contains($0) || (65..<91).contains($0) }
    return name.elementsEqual(".runs".utf8) || isRunID && holds("manifest.json") ? "what runs have left" : nil
  }

  /// The names in a directory, the last first; those of directories end with "/".
  private func list(_ path: [UInt8]) throws(InputError) -> [[UInt8]] {
    let shown = "\(rootPath)/\(String(decoding: path, as: UTF8.self))"
    guard let listing = DirectoryListing(at: root.number, cString(path)) else { throw .last(shown) }
    var names: [[UInt8]] = []
    while let (name, isDirectory) = try listing.next(shown) { names.append(name + (isDirectory ? [Self.slash] : [])) }
    return names.sorted { $1.lexicographicallyPrecedes($0) }
  }

  private static let root = Array("./".utf8)
  private static let slash = UInt8(ascii: "/")
}
