import CArchive
import Dumps
import Foundation

/// Archives for tests: what `ArchiveWriter` writes, and what it does not but the world does.
enum Packing {
  struct File {
    var name: String
    var contents: [UInt8]
    var modifiedAt: Int64 = 1_700_000_000_000

    init(_ name: String, _ text: String, modifiedAt: Int64 = 1_700_000_000_000) {
      self.init(name, Array(text.utf8), modifiedAt: modifiedAt)
    }

    init(_ name: String, _ contents: [UInt8], modifiedAt: Int64 = 1_700_000_000_000) {
      (self.name, self.contents, self.modifiedAt) = (name, contents, modifiedAt)
    }
  }

  /// Writes files with `ArchiveWriter`.
  @discardableResult
  static func write(_ path: String, _ files: [File]) throws -> String {
    var archive = try ArchiveWriter(path: path)
    for file in files { try archive.add(name: file.name, contents: file.contents, modifiedAt: file.modifiedAt) }
    try archive.close()
    return path
  }

  /// Writes a tar with a sparse file: a hole of `hole` bytes, then the text.
  static func writeSparse(_ path: String, name: String, hole: Int64, _ text: String) throws {
    let archive = unsafe archive_write_new()
    let entry = unsafe archive_entry_new()
    defer {
      unsafe archive_entry_free(entry)
      _ = unsafe archive_write_free(archive)
    }
    let bytes = [UInt8](repeating: 0, count: Int(hole)) + Array(text.utf8)
    unsafe archive_entry_set_pathname(entry, name)
    unsafe archive_entry_set_filetype(entry, 0o100000)
    unsafe archive_entry_set_size(entry, Int64(bytes.count))
    unsafe archive_entry_sparse_add_entry(entry, hole, Int64(text.utf8.count))
    let statuses = unsafe [
      archive_write_set_format_pax(archive), archive_write_open_filename(archive, path),
      archive_write_header(archive, entry),
      Int32(bytes.withUnsafeBytes { unsafe archive_write_data(archive, $0.baseAddress, $0.count) }) > 0 ? 0 : -1,
      archive_write_close(archive),
    ]
    guard statuses.allSatisfy({ $0 == ARCHIVE_OK }) else { throw Failure(statuses: statuses) }
  }

  /// What kind of entry to write with libarchive itself.
  enum Kind {
    case file, folder, symbolicLink, hardLink, fifo
  }

  /// Writes entries of any kind with libarchive itself, in a format and with a filter of its own.
  ///
  /// - Parameters:
  ///   - format: libarchive's name of the format: "ustar", "cpio", "zip", "raw", …
  ///   - filter: libarchive's name of the compression, or "none".
  static func write(
    _ path: String, format: String, filter: String = "none", options: String = "", passphrase: String? = nil,
    _ entries: [(kind: Kind, name: String, text: String)]
  ) throws {
    try write(
      path, format: format, filter: filter, options: options, passphrase: passphrase,
      entries.map { ($0.kind, $0.name, Array($0.text.utf8)) })
  }

  /// The same, of entries that need not be text.
  static func write(
    _ path: String, format: String, filter: String, options: String = "", passphrase: String? = nil,
    _ entries: [(kind: Kind, name: String, bytes: [UInt8])]
  ) throws {
    let archive = unsafe archive_write_new()
    defer { _ = unsafe archive_write_free(archive) }
    var statuses = unsafe [archive_write_set_format_by_name(archive, format)]
    if filter != "none" { statuses.append(unsafe archive_write_add_filter_by_name(archive, filter)) }
    if !options.isEmpty { statuses.append(unsafe archive_write_set_options(archive, options)) }
    if let passphrase { statuses.append(unsafe archive_write_set_passphrase(archive, passphrase)) }
    statuses.append(unsafe archive_write_open_filename(archive, path))
    for (kind, name, bytes) in entries {
      let target = String(decoding: bytes, as: UTF8.self)
      let entry = unsafe archive_entry_new()
      defer { unsafe archive_entry_free(entry) }
      unsafe archive_entry_set_pathname(entry, name)
      unsafe archive_entry_set_perm(entry, 0o644)
      unsafe archive_entry_set_mtime(entry, 1_700_000_000, 0)
      unsafe archive_entry_set_size(entry, kind == .file ? Int64(bytes.count) : 0)
      switch kind {
      case .file: unsafe archive_entry_set_filetype(entry, 0o100000)
      case .folder: unsafe archive_entry_set_filetype(entry, 0o040000)
      case .fifo: unsafe archive_entry_set_filetype(entry, 0o010000)
      case .symbolicLink:
        unsafe archive_entry_set_filetype(entry, 0o120000)
        unsafe archive_entry_set_symlink(entry, target)
      case .hardLink:
        unsafe archive_entry_set_filetype(entry, 0o100000)
        unsafe archive_entry_set_hardlink(entry, target)
      }
      statuses.append(unsafe archive_write_header(archive, entry))
      if kind == .file {
        _ = unsafe bytes.withUnsafeBytes { unsafe archive_write_data(archive, $0.baseAddress, $0.count) }
      }
    }
    statuses.append(unsafe archive_write_close(archive))
    guard statuses.allSatisfy({ $0 == ARCHIVE_OK }) else { throw Failure(statuses: statuses) }
  }

  struct Failure: Error {
    var statuses: [Int32]
  }

  /// `text` compressed as a file of its own.
  static func compressed(_ text: String, filter: String, in folder: TemporaryFolder) throws -> [UInt8] {
    try compressed(Array(text.utf8), filter: filter, in: folder)
  }

  static func compressed(_ bytes: [UInt8], filter: String, in folder: TemporaryFolder) throws -> [UInt8] {
    let name = "compressed-\(UUID().uuidString)"
    try write(folder(name), format: "raw", filter: filter, [(.file, "data", bytes)])
    defer { try? FileManager.default.removeItem(atPath: folder(name)) }
    return try folder.bytes(of: name)
  }

  /// A zip as of 1990: one stored file, its time without a zone and without the extended field.
  ///
  /// - Parameter dosTime: date << 16 | time, as DOS had them.
  static func oldZip(_ name: String, _ text: String, dosTime: UInt32) -> [UInt8] {
    let data = Array(text.utf8)
    var sums = littleEndian(crc32(data), 4)
    sums += littleEndian(UInt32(data.count), 4) + littleEndian(UInt32(data.count), 4)
    let common =
      littleEndian(20, 2) + littleEndian(0, 2) + littleEndian(0, 2) + littleEndian(dosTime, 4) + sums
      + littleEndian(UInt32(name.utf8.count), 2) + littleEndian(0, 2)
    let local = Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8) + data
    let central =
      Array("PK\u{1}\u{2}".utf8) + littleEndian(20, 2) + common + [UInt8](repeating: 0, count: 14)
      + Array(name.utf8)
    let end =
      Array("PK\u{5}\u{6}".utf8) + littleEndian(0, 4) + littleEndian(1, 2) + littleEndian(1, 2)
      + littleEndian(UInt32(central.count), 4) + littleEndian(UInt32(local.count), 4) + littleEndian(0, 2)
    return local + central + end
  }

  private static func littleEndian(_ value: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var sum: UInt32 = ~0
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }
}
