internal import Foundation
internal import Glibc
internal import Pages
public import Stores

/// The report in a run's folder: made when the run ends, and again whenever it is asked for.
public struct RunReport: Sendable {
  /// The run's folder.
  public let folder: String

  public init(folder: String) { self.folder = folder }

  public var path: String { folder + "/report.html" }
  var dataPath: String { folder + "/report.json" }

  /// The run's manifest.
  public func manifest() throws(StoreError) -> Manifest { try decoded(Manifest.self, from: folder + "/manifest.json") }

  /// What the run left for its report; nothing but defaults where it left nothing.
  public func data() throws(StoreError) -> ReportData {
    guard unsafe access(dataPath, F_OK) == 0 else { return ReportData() }
    return try decoded(ReportData.self, from: dataPath)
  }

  /// Keeps what the report is made of.
  public func keep(_ data: ReportData) throws(StoreError) {
    guard let json = try? JSONEncoder.steady().encode(data) else {
      throw .inconsistent(path: dataPath, why: "the report's data cannot be written as JSON")
    }
    try writeWhole([UInt8](json) + [0x0A], to: dataPath)
  }

  /// Makes `report.html` from the manifest, the quarantine and what was kept.
  public func make() throws(StoreError) {
    try make(manifest(), data())
  }

  /// Makes `report.html` of a run whose manifest is at hand.
  public func make(_ manifest: Manifest, _ data: ReportData) throws(StoreError) {
    let examples = try QuarantineExamples(folder + "/quarantine.ndjson", namedUsers: data.namedUsers)
    let html: String
    do throws(PageError) {
      html = try ReportPage(manifest: manifest, data: data, examples: examples).html()
    } catch {
      throw .inconsistent(path: path, why: "\(error)")
    }
    try writeWhole([UInt8](html.utf8), to: path)
  }

  private func decoded<T: Decodable>(_ type: T.Type, from path: String) throws(StoreError) -> T {
    let file = try PosixFile(path, O_RDONLY)
    var bytes: [UInt8] = []
    while true {
      let part = try file.read(upTo: 1 << 20, at: bytes.count)
      if part.isEmpty { break }
      bytes += part
    }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw .refused(path: path, offset: 0, why: "not what a run of this version writes")
    }
  }
}
