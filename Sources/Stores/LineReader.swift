internal import Glibc

/// Reads a file line by line, and holds no more of it than a block and a line.
package struct LineReader: ~Copyable {
  private static let blockSize = 1 << 18

  private let file: PosixFile
  /// How much of the file was read, in bytes.
  package private(set) var offset = 0
  private var text: [UInt8] = []
  /// Where the next line begins in the text, and up to where its end was looked for.
  private var (start, searched) = (0, 0)

  package init(_ path: String) throws(StoreError) { file = try PosixFile(path, O_RDONLY) }

  /// The next line without its end, the last one also where nothing ends it; nil behind that.
  package mutating func next() throws(StoreError) -> ArraySlice<UInt8>? {
    while true {
      if let end = text[searched...].firstIndex(of: 0x0A) {
        defer { (start, searched) = (end + 1, end + 1) }
        return text[start..<end]
      }
      let block = try file.read(upTo: Self.blockSize, at: offset)
      guard !block.isEmpty else {
        defer { (start, searched) = (text.endIndex, text.endIndex) }
        return start < text.endIndex ? text[start...] : nil
      }
      offset += block.count
      text.removeFirst(start)
      (start, searched) = (0, text.endIndex)
      text += block
    }
  }
}
