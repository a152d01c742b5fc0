/// Counts what comes out of one archive or compressed file against what went in (docs: dumps, limits).
///
/// One per file: archive, entries that are skipped and compressed entries all count on it.
final class Expansion {
  private let file: InputFile
  private let maxRatio: Int
  private var bytesOut = 0

  init(of file: InputFile, maxRatio: Int) {
    self.file = file
    self.maxRatio = maxRatio
  }

  /// Notes that `count` bytes came out.
  ///
  /// - Throws: `.rest` with `bomb` past the limit.
  func add(_ count: Int) throws(ReadFailure) {
    bytesOut += count
    guard bytesOut > Limits.freeExpansion else { return }
    // A zip whose entries share their bytes has them delivered again and again, but they are in it once.
    let bytesIn = max(1, min(file.delivered, file.size))
    // That is, bytesOut > bytesIn · maxRatio, which might not fit.
    if (bytesOut - 1) / bytesIn >= maxRatio {
      throw .rest(InputFault(.bomb, "\(bytesOut) bytes came out of \(bytesIn): more than \(maxRatio) to 1"))
    }
  }
}
