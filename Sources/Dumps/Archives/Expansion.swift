/// Counts what comes out of one archive or compressed file against what went in (docs/dumps.md, *Limits*).
///
/// One per file: archive, entries that are skipped and compressed entries all count on it.
final class Expansion {
  private let size: Int
  private let maxRatio: Int
  private let delivered: () -> Int
  private var bytesOut = 0

  /// - Parameters:
  ///   - size: of the file, in bytes.
  ///   - delivered: how many of them were read until what came out last, those read again included.
  init(from size: Int, maxRatio: Int, delivered: @escaping () -> Int) {
    self.size = size
    self.maxRatio = maxRatio
    self.delivered = delivered
  }

  /// Notes that `count` bytes came out.
  ///
  /// - Throws: `.rest` with `bomb` past the limit.
  func add(_ count: Int) throws(ReadFailure) {
    bytesOut += count
    guard bytesOut > Limits.freeExpansion else { return }
    // A zip whose entries share their bytes has them delivered again and again, but they are in it once.
    let bytesIn = max(1, min(delivered(), size))
    // That is, bytesOut > bytesIn · maxRatio, which might not fit.
    if (bytesOut - 1) / bytesIn >= maxRatio {
      throw .rest(InputFault(.bomb, "\(bytesOut) bytes came out of \(bytesIn): more than \(maxRatio) to 1"))
    }
  }
}
