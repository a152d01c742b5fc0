internal import BSON
internal import Digests

/// The numbers of descriptions, or of lists of values, by the prints of the bytes that they were read from.
///
/// Bytes are told by a print of 128 bits, with a seed that is drawn anew by each process: of a thousand million
/// descriptions two would be held for one by a chance of one in 10²⁰. To compare the bytes themselves would be a wait for
/// memory with nearly every play, for what was met before lies anywhere.
struct PrintTable {
  private var prints: [UInt128] = []
  /// Open addressing: a part of the print in the upper half and a number + 1 in the lower, or 0. So hardly ever another
  /// print than the one looked for has to be looked at.
  private var slots: [UInt64] = []

  private static let seed = UInt64.random(in: 0 ... .max)

  static func print(of bytes: ByteView) -> UInt128 {
    unsafe bytes.withUnsafeBytes { unsafe Checksum.doubleWord(of: $0, seed: seed) }
  }

  // Inlined, so that a look through a class does not count references to the whole table.
  @inline(__always)
  func find(_ print: UInt128) -> Int32? {
    guard !slots.isEmpty else { return nil }
    let mask = slots.count - 1
    let word = UInt64(truncatingIfNeeded: print)
    var slot = Int(truncatingIfNeeded: word) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == word >> 32 {
        let number = Self.number(in: slots[slot])
        if prints[Int(number)] == print { return number }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The numbers of what plays say of their songs, −1 for what was not met.
  ///
  /// A look is two waits for memory, which lies in no near cache. One step of all after another, they are waited for
  /// together.
  @inline(__always)
  func find(_ plays: [ReadPlay], into numbers: inout [Int32]) {
    numbers.removeAll(keepingCapacity: true)
    for play in plays { numbers.append(likely(play.print)) }
    for (index, play) in plays.enumerated() where numbers[index] >= 0 && prints[Int(numbers[index])] != play.print {
      numbers[index] = find(play.print) ?? -1
    }
  }

  /// The number of the first description that has the same part of its print, and so nearly always all of it; −1 without
  /// one.
  @inline(__always)
  private func likely(_ print: UInt128) -> Int32 {
    guard !slots.isEmpty else { return -1 }
    let mask = slots.count - 1
    let word = UInt64(truncatingIfNeeded: print)
    var slot = Int(truncatingIfNeeded: word) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == word >> 32 { return Self.number(in: slots[slot]) }
      slot = (slot + 1) & mask
    }
    return -1
  }

  /// Gives a new print the next number.
  mutating func add(_ print: UInt128) -> Int32 {
    if prints.count * 2 >= slots.count { grow() }
    prints.append(print)
    fill(prints.count, print)
    return Int32(truncatingIfNeeded: prints.count - 1)
  }

  /// The number of another table's print here, and whether it is new.
  mutating func merge(_ index: Int, of other: PrintTable) -> (Int32, Bool) {
    let print = other.prints[index]
    if let number = find(print) { return (number, false) }
    return (add(print), true)
  }

  private static func number(in slot: UInt64) -> Int32 {
    Int32(truncatingIfNeeded: UInt32(truncatingIfNeeded: slot)) - 1
  }

  /// Puts a number + 1 into the first free slot for its print.
  private mutating func fill(_ successor: Int, _ print: UInt128) {
    let mask = slots.count - 1
    let word = UInt64(truncatingIfNeeded: print)
    var slot = Int(truncatingIfNeeded: word) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = (word >> 32) << 32 | UInt64(UInt32(truncatingIfNeeded: successor))
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: max(64, slots.count * 2))
    for (index, print) in prints.enumerated() { fill(index + 1, print) }
  }
}
