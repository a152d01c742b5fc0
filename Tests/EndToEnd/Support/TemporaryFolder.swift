import Foundation

/// A folder for one test, removed with all that is in it when the test lets go of it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/mixdown-e2e-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of something in the folder.
  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, with its folders; returns its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8], modifiedAt: Int64 = Dump.modifiedAt) throws -> String {
    let url = URL(fileURLWithPath: self(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    let date = Date(timeIntervalSince1970: Double(modifiedAt) / 1000)
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: url.path)
    return url.path
  }

  @discardableResult
  func write(_ name: String, _ text: String, modifiedAt: Int64 = Dump.modifiedAt) throws -> String {
    try write(name, Array(text.utf8), modifiedAt: modifiedAt)
  }

  func bytes(of name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: self(name)))) }

  /// Links `name` to `target`, which need not exist.
  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: self(name), withDestinationPath: target)
  }

  /// The paths of all files under `name`, sorted.
  func files(under name: String = ".") -> [String] {
    let root = self(name)
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return names.sorted().map { "\(root)/\($0)" }.filter { path in
      (try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType) == .typeRegular
    }
  }
}
