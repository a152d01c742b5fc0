internal import Foundation
internal import Glibc

/// Finds what the paths of a job name.
struct PathResolver {
  /// The job file's folder, without links, so that ".." in front of a path means the folder above.
  private let folder: String

  /// Of how many names in a folder the nearest to one that is not there is looked for.
  private static let mostNames = 1000

  init(folder: String) {
    self.folder = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
  }

  /// A path as the steps are given it. What names no file, as `mongodb://…`, stays.
  func path(_ value: JobFile.Value) -> String {
    guard value.isOfFile, !value.text.hasPrefix("/"), !value.text.contains("://") else { return value.text }
    return URL(fileURLWithPath: folder + "/" + value.text).standardizedFileURL.path
  }

  /// The fault of an input that is not there.
  func missing(_ value: JobFile.Value) -> JobFault? {
    let path = path(value)
    guard !FileManager.default.fileExists(atPath: path) else { return nil }
    let url = URL(fileURLWithPath: path)
    let name = url.lastPathComponent
    var beside = (try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)) ?? []
    // To compare a name with all others takes time, and many inputs may be missing.
    if beside.count > Self.mostNames || name.utf8.count > Int(NAME_MAX) { beside = [] }
    let nearest = nearestName(to: name, among: beside.sorted())
    let hint = nearest.map { "; did you mean \"\($0)\"?" } ?? ""
    return JobFault(value.place, "no such file or folder: \(withoutPassword(path))\(hint)")
  }
}

/// A path without links, as far as there is something; what is not there yet stays as it was named.
public func pathWithoutLinks(_ path: String) -> String {
  var head = URL(fileURLWithPath: path).standardizedFileURL
  var rest: [String] = []
  while head.path != "/" {
    if let real = unsafe realpath(head.path, nil) {
      defer { unsafe free(real) }
      return ([unsafe String(cString: real)] + rest).joined(separator: "/")
    }
    rest.insert(head.lastPathComponent, at: 0)
    head.deleteLastPathComponent()
  }
  return "/" + rest.joined(separator: "/")
}
