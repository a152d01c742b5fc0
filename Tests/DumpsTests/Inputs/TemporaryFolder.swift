import Foundation

/// A folder for one test, removed with all that is in it when the test lets go of it.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "mixdown-inputs-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of something in the folder.
  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, with its folders; returns its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8], modifiedAt: Int64? = nil) throws -> String {
    let url = URL(fileURLWithPath: self(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    if let modifiedAt {
      let date = Date(timeIntervalSince1970: Double(modifiedAt) / 1000)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: url.path)
    }
    return url.path
  }

  @discardableResult
  func write(_ name: String, _ text: String, modifiedAt: Int64? = nil) throws -> String {
    try write(name, Array(text.utf8), modifiedAt: modifiedAt)
  }

  /// Links `name` to `target`, which need not exist.
  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: self(name), withDestinationPath: target)
  }

  func bytes(of name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: self(name)))) }

  /// The names in the folder, sorted.
  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}
