/// What the first bytes of a file say about the rest: formats are found by content, not by name (docs/dumps.md).
enum Opening: Equatable {
  /// There are no bytes.
  case empty
  /// JSON: behind a byte order mark and blanks comes a bracket, or nothing yet.
  case json
  /// An archive or compressed file that a signature tells.
  case packed(Signature)
  /// Anything else, of which libarchive may know more.
  case other

  init(_ block: Span<UInt8>) {
    guard block.count > 0 else {
      self = .empty
      return
    }
    if Self.looksLikeJSON(block) {
      self = .json
    } else if let format = Self.signatures.first(where: { block.holds($0.bytes, at: $0.offset) }) {
      self = .packed(format)
    } else {
      self = .other
    }
  }

  private static func looksLikeJSON(_ block: Span<UInt8>) -> Bool {
    // A tar archive starts with the name of its first entry, which may well be "[backup]/…". Its header is
    // padded with zero bytes, and JSON has none.
    let header = block.extracting(first: 512)
    for index in header.indices where header[index] == 0 { return false }

    let start = block.endOfBlanks(from: block.holds(ByteOrderMark.bytes, at: 0) ? ByteOrderMark.bytes.count : 0)
    return start == block.count || block[start] == UInt8(ascii: "{") || block[start] == UInt8(ascii: "[")
  }

  private static let gzip = Signature("gzip", [0x1F, 0x8B], isArchive: false)

  private static let tar = Signature("tar", Array("ustar".utf8), at: 257)

  var isGzip: Bool { self == .packed(Self.gzip) }
  var isTar: Bool { self == .packed(Self.tar) }

  /// The archives and compressed files that people put into archives. What is read is decided by libarchive;
  /// signatures word the report where it is not, and tell a stump that libarchive does not know any more.
  private static let signatures = [
    gzip,
    Signature("zip", [0x50, 0x4B, 0x03, 0x04]),
    Signature("zip", [0x50, 0x4B, 0x05, 0x06]),
    Signature("zstd", [0x28, 0xB5, 0x2F, 0xFD], isArchive: false),
    Signature("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], isArchive: false),
    Signature("bzip2", Array("1AY&SY".utf8), at: 4, isArchive: false),
    Signature("lz4", [0x04, 0x22, 0x4D, 0x18], isArchive: false),
    Signature("7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
    Signature("rar", [0x52, 0x61, 0x72, 0x21, 0x1A, 0x07]),
    Signature("cpio", Array("0707".utf8)),
    tar,
  ]
}

/// Bytes by which a format is known.
struct Signature: Equatable {
  /// The format's name, for people.
  let name: String
  let bytes: [UInt8]
  let offset: Int
  /// Whether the format holds files; otherwise it compresses one, which may be an archive.
  let isArchive: Bool

  init(_ name: String, _ bytes: [UInt8], at offset: Int = 0, isArchive: Bool = true) {
    self.name = name
    self.bytes = bytes
    self.offset = offset
    self.isArchive = isArchive
  }
}

/// U+FEFF in UTF-8, which some editors put before a text and which says nothing.
enum ByteOrderMark {
  static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]
}
