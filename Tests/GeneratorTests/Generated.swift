import BSON
import Digests
import Foundation
import Testing

@testable import Generator

/// A generated data set, its dumps kept in memory as they were added.
struct Generated {
  let options: GeneratorOptions
  let summary: GeneratedSummary
  let dumps: [Dump]
  /// The documents of `user_library.bson`, one after another.
  let libraries: [UInt8]
  let accounts: [UInt8]

  struct Dump: CustomTestStringConvertible {
    let place: String
    let name: String
    let contents: [UInt8]
    let modifiedAt: Int64

    var testDescription: String { "\(place): \(name)" }

    /// The JSON object, without a byte order mark; nil where it is damaged.
    var object: [String: Any]? {
      String(validating: contents, as: UTF8.self).flatMap { try? parse($0) } as? [String: Any]
    }

    /// The dump inside of an envelope.
    var body: [String: Any]? { object.map { $0["data"] as? [String: Any] ?? $0 } }

    var text: String { String(decoding: contents, as: UTF8.self) }

    /// The rows of a section, whatever the shape.
    func rows(_ section: String) -> [[String: Any]] {
      guard let body else { return [] }
      if let text = body["tldr-" + section] as? String {
        return (try? parse(text)) as? [[String: Any]] ?? []
      }
      return body["local_" + section] as? [[String: Any]] ?? body[section] as? [[String: Any]] ?? []
    }
  }

  init(_ change: (inout GeneratorOptions) -> Void) throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var options = GeneratorOptions(users: 150, seed: 11, out: folder)
    options.songs = 800
    change(&options)
    self.options = options
    let shelf = Shelf()
    summary = try generate(
      options,
      making: { path throws(GeneratorError) in
        MemoryDestination(path.split(separator: "/").last.map(String.init) ?? path, shelf)
      })
    dumps = shelf.dumps
    libraries = try Array(Data(contentsOf: URL(filePath: folder + "/cloud/user_library.bson")))
    accounts = try Array(Data(contentsOf: URL(filePath: folder + "/cloud/users.bson")))
  }
}

/// Reads JSON. Foundation refuses the half surrogate pairs that real exports hold, so these are taken out.
func parse(_ text: String) throws -> Any {
  let text = text.trimmingPrefix("\u{FEFF}").replacingOccurrences(of: "\\ud83c\"", with: "\"")
  return try JSONSerialization.jsonObject(with: Data(text.utf8))
}

/// A path that nothing is at.
func temporaryFolder() -> String { NSTemporaryDirectory() + "mixdown-generator-" + UUID().uuidString }

/// The SHA-256 of every file below a folder, by path.
func digests(of folder: String) throws -> [String: String] {
  var digests: [String: String] = [:]
  for path in try FileManager.default.subpathsOfDirectory(atPath: folder) {
    guard let data = FileManager.default.contents(atPath: folder + "/" + path) else { continue }
    digests[path] = hexadecimal(sha256(Array(data)))
  }
  return digests
}

/// Hands each document of a collection's bytes to `use`.
func eachDocument(in bytes: [UInt8], _ use: (BSONDocument) throws -> Void) throws {
  try bytes.withView { view in
    var rest = view
    while !rest.isEmpty {
      let length = Int(rest.load(0, as: Int32.self))
      try use(BSONDocument(rest.slice(0, length)))
      rest = rest.dropFirst(length)
    }
  }
}

private final class Shelf {
  var dumps: [Generated.Dump] = []
}

private final class MemoryDestination: Destination {
  private let place: String
  private let shelf: Shelf

  init(_ place: String, _ shelf: Shelf) {
    self.place = place
    self.shelf = shelf
  }

  func add(_ name: String, _ contents: [UInt8], modifiedAt time: Int64) {
    shelf.dumps.append(Generated.Dump(place: place, name: name, contents: contents, modifiedAt: time))
  }

  func finish(modifiedAt time: Int64) {}
}
