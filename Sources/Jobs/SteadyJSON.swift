package import FoundationEssentials

extension JSONEncoder {
  /// One that writes the same bytes for the same value, and slashes as they are.
  ///
  /// - Parameter isIndented: for a person to read.
  package static func steady(isIndented: Bool = false) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    return encoder
  }
}
