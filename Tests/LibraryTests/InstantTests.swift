import BSON
import Testing

@testable import Library

/// Times at the ends of what can be written, and the numbers of Extended JSON.
@Suite struct InstantTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (-86_400_000, "1969-12-31T00:00:00.000Z"),
    (-86_400_001, "1969-12-30T23:59:59.999Z"), (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
    (.max, "292278994-08-17T07:12:55.807Z"), (.min, "-292275055-05-16T16:47:04.192Z"),
  ])
  func `every number of milliseconds has a text`(milliseconds: Int64, text: String) {
    #expect(Instant.text(milliseconds) == text)
  }

  @Test(arguments: [
    (0, "1970-01-01"), (-1, "1969-12-31"), (20_453, "2025-12-31"), (.max, "292278994-08-17"),
    (.min, "-292275055-05-16"),
  ])
  func `every day has a text`(day: Int64, text: String) { #expect(Instant.dateText(day: day) == text) }

  @Test(
    arguments: [
      (nil, 5, 5), (3, 5, 5), (4, 5, 5), (5, 5, 6), (9, 5, 10), (.max, 5, .max), (.max - 1, 5, .max), (.min, 5, 5),
    ] as [(Int64?, Int64, Int64)])
  func `the clock of a document never goes back, and ends at the end`(stored: Int64?, now: Int64, next: Int64) {
    #expect(Instant.next(after: stored, atLeast: now) == next)
  }

  // MARK: Wrapped numbers

  private static let numbers: [(Value, WrappedNumber)] = [
    (["$numberInt": "-7"], .int32(-7)), (["$numberLong": "9223372036854775807"], .int64(.max)),
    (["$numberLong": "-9223372036854775808"], .int64(.min)), (["$numberDouble": "1.5e3"], .double(1500)),
    (["$numberDouble": "Infinity"], .double(.infinity)), (["$numberDouble": "-Infinity"], .double(-.infinity)),
  ]

  @Test(arguments: numbers)
  func `a wrapped number is a number`(_ value: Value, _ number: WrappedNumber) throws {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    #expect(try WrappedNumber(value.document(in: arena)) == number)
  }

  @Test(
    arguments: [
      ["$numberInt": "2147483648"], ["$numberLong": "0x10"],
      ["$numberLong": 5], ["$numberDouble": "0x1p40"], ["$numberDouble": "inf"], ["$numberDouble": "-inf"],
      ["$numberDouble": "nan"], ["$numberDouble": "-nan"], ["$numberDouble": ""],
      ["$numberDecimal": "1"], ["$numberInt": "1", "x": 1], [:],
    ] as [Value])
  func `what is no number of its type is no wrapped number`(_ value: Value) throws {
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    #expect(try WrappedNumber(value.document(in: arena)) == nil)
  }

  @Test func `no number is none of any size`() throws {
    let value: Value = ["$numberDouble": "NaN"]
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    #expect(try WrappedNumber(value.document(in: arena))?.double.isNaN == true)
  }

  @Test(arguments: ["0x1p40", "inf", "-inf", "-nan"])
  func `a date is no such number either`(_ text: String) throws {
    let play: Value = ["videoId": "v", "playedAt": ["$date": ["$numberDouble": .string(text)]]]
    #expect(try merge(cloud: ["history": [play]]).quarantinedOfCloud == ["history 0 no-time"])
  }
}
