import ArgumentParser
import Foundation
import Jobs
import Stores

/// Says why something about a store or its runs cannot be known, and ends with the status for it.
func sayingWhy<Value>(_ body: () throws(StoreError) -> Value) throws -> Value {
  do throws(StoreError) { return try body() } catch { throw failure(error) }
}

/// The run that a person names, of those that have a folder.
///
/// - Throws: the status to end with, after why it is not one.
func oneRun(_ name: String, in archive: RunArchive) throws -> String {
  try oneRun(name, try sayingWhy { () throws(StoreError) in try archive.meant(name) }, in: archive.state)
}

private func oneRun(_ name: String, _ meant: Result<String, UnclearRun>, in place: String) throws -> String {
  switch meant {
  case .success(let run): return run
  case .failure(let why): throw failure(why.text(name, in: place), .usage)
  }
}

/// Which store, and where the folders of its runs are.
struct RunFolderOptions: ParsableArguments {
  @Option(help: "The store. Also from MIXDOWN_STORE.", completion: .directory)
  var store: String?

  @OptionGroup var server: ServerOptions

  @OptionGroup var state: StateOptions

  private var named: String? { namedStore(store) }

  /// The store; empty where none is named, which ``requireStore()`` refuses.
  var storeName: String { named ?? "" }

  // What is refused while the arguments are parsed is shown with the usage of the command that they were for: each
  // command says in its `validate()` what it needs.

  func requireStore() throws {
    guard named != nil else { throw ValidationError("Name the store with --store or MIXDOWN_STORE.") }
  }

  /// Refuses where nothing says among which runs to look.
  ///
  /// - Parameter run: the run that is asked for, which its folder is enough to find.
  func requirePlace(of run: String? = nil) throws {
    guard named == nil, state.folder == nil else { return }
    do throws(StoreError) {
      if let run, try runOfFolder(run) != nil { return }
    } catch {
      // Why its folder cannot be looked for is said when that is done.
      return
    }
    throw ValidationError(
      "Name the store with --store or MIXDOWN_STORE, or where its runs lie: --state or MIXDOWN_STATE.")
  }

  /// The folders of runs; where they are named the store need not be, nor need it be there.
  func archive() throws -> RunArchive {
    if let folder = state.folder { return RunArchive(state: folder) }
    try sayingWhy { () throws(StoreError) in try checkStore(storeName) }
    return RunArchive(state: nil, store: storeName)
  }

  /// The runs of folders and store, and what kept the store from being asked.
  func listing() throws -> (RunListing, failed: (any Error)?) {
    let archive = try archive()
    var listing = try sayingWhy { () throws(StoreError) in try RunListing(archive, of: named) }
    guard let named else { return (listing, nil) }
    do throws(StoreError) {
      try listing.add(store: named, server: server.options)
      return (listing, nil)
    } catch {
      return (listing, failure(error))
    }
  }

  /// The manifest of the run that a person names when it has no folder here, but the store knows it.
  func manifestWithoutFolder(_ name: String) throws -> Manifest? {
    guard let named, !name.contains("/") else { return nil }
    let archive = try archive()
    guard try sayingWhy({ () throws(StoreError) in try archive.meant(name) }) == .failure(.none) else { return nil }
    let (listing, failed) = try listing()
    if let failed { throw failed }
    let meant = RunArchive.meant(name, among: listing.runs.map(\.id))
    guard meant != .failure(.none) else { return nil }
    let run = try oneRun(name, meant, in: named)
    return listing.runs.first { $0.id == run && !$0.hasFolder }?.manifest
  }

  /// The run that a person names, by its id or by its folder, and the folders that it lies among.
  func run(_ name: String) throws -> (id: String, archive: RunArchive) {
    if let run = try sayingWhy({ () throws(StoreError) in try runOfFolder(name) }) { return run }
    let archive = try archive()
    return (try oneRun(name, in: archive), archive)
  }

  /// The run whose folder has this path, and the folders that it lies among; nil where none is there.
  private func runOfFolder(_ path: String) throws(StoreError) -> (id: String, archive: RunArchive)? {
    guard path.contains("/") else { return nil }
    let folder = URL(fileURLWithPath: path)
    let beside = RunArchive(state: folder.deletingLastPathComponent().path)
    return try beside.ids().contains(folder.lastPathComponent) ? (folder.lastPathComponent, beside) : nil
  }
}
