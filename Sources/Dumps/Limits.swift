/// What one input may ask of this program before the rest of it is refused (docs/dumps.md, *Limits*).
///
/// Inputs come from strangers: each limit bounds a resource that a hostile one would otherwise exhaust.
public struct Limits: Sendable, Hashable {
  /// The longest dump, in bytes of JSON text. Past it the dump is refused as `too-large`.
  public var maxDumpSize: Int

  /// The deepest nesting of one dump; the dump itself is depth 1. Past it: `too-deep`.
  public var maxDepth: Int

  /// The most entries, of any kind, in one archive. Past it the rest of the archive is refused as `too-many`.
  public var maxEntries: Int

  /// The most bytes out per byte in of one archive or compressed file, counted once more than `freeExpansion`
  /// bytes are out. Past it the rest is refused as `bomb`.
  public var maxExpansion: Int

  /// The bytes that may come out of one archive whatever its expansion: 64 MiB, since small and honest files
  /// of zeros or repeated lines compress better than any ratio worth setting.
  public static let freeExpansion = 64 << 20

  public init(
    maxDumpSize: Int = 64 << 20, maxDepth: Int = 64, maxEntries: Int = 10_000_000, maxExpansion: Int = 1000
  ) {
    self.maxDumpSize = maxDumpSize
    self.maxDepth = maxDepth
    self.maxEntries = maxEntries
    self.maxExpansion = maxExpansion
  }
}

extension Limits: CustomStringConvertible {
  public var description: String {
    "maxDumpSize \(maxDumpSize), maxDepth \(maxDepth), maxEntries \(maxEntries), maxExpansion \(maxExpansion)"
  }
}
