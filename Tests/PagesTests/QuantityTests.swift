import Pages
import Testing

@Suite struct QuantityTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1234, "−1,234"),
    (.max, "9,223,372,036,854,775,807"),
    (.min, "−9,223,372,036,854,775,808"),
  ])
  func `counts are grouped by thousands`(number: Int, text: String) { #expect(Quantity.count(number) == text) }

  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (943_129, "921 KiB"), (56_389_632, "53.8 MiB"),
    (1_130_389_632, "1.05 GiB"), (1 << 50, "1.00 PiB"), (.max, "8,192 PiB"),
  ])
  func `bytes have three figures and their unit`(number: Int, text: String) { #expect(Quantity.bytes(number) == text) }

  @Test(arguments: [
    (0, "0 ms"), (0.0157, "16 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (8.2, "8.20 s"), (59.94, "59.9 s"),
    (59.96, "1 min"), (200, "3 min 20 s"), (3599.4, "59 min 59 s"), (7500, "2 h 5 min"), (86_400, "24 h"),
    (-1, "–"), (.nan, "–"), (.infinity, "–"),
  ])
  func `durations have the units that fit`(seconds: Double, text: String) { #expect(Quantity.seconds(seconds) == text) }

  @Test(arguments: [
    (0, "0.0 %"), (0.0004, "< 0.1 %"), (0.5, "50.0 %"), (1, "100.0 %"), (0.98795, "98.8 %"), (.nan, "–"),
  ])
  func `shares are percent`(share: Double, text: String) { #expect(Quantity.percent(share) == text) }

  @Test(arguments: [
    (0, 0, "0"), (1.005, 1, "1.0"), (-0.04, 1, "0.0"), (-0.06, 1, "−0.1"), (1234.5, 2, "1,234.50"), (0.05, 2, "0.05"),
    (9.9e13, 4, "99,000,000,000,000.0000"), (9.9e14, 4, "–"), (1e300, 1, "–"), (-1e300, 0, "–"), (.nan, 1, "–"),
    (.infinity, 1, "–"),
  ])
  func `decimals are as many as asked for`(number: Double, decimals: Int, text: String) {
    #expect(Quantity.fixed(number, decimals) == text)
  }

  @Test(arguments: [
    (0, 0, "0"), (1.005, 1, "1.0"), (-0.04, 1, "0.0"), (-0.06, 1, "−0.1"), (1234.5, 2, "1234.50"), (0.05, 2, "0.05"),
    (9.9e13, 4, "99000000000000.0000"), (1e300, 1, "1e+300"), (-1e300, 0, "-1e+300"), (.nan, 1, "nan"),
    (.infinity, 1, "inf"),
  ])
  func `decimals without separators are as many`(number: Double, decimals: Int, text: String) {
    #expect(Quantity.plain(number, decimals) == text)
  }

  @Test func `a noun follows its number`() {
    #expect(Quantity.count(1, "user") == "1 user" && Quantity.count(2000, "user") == "2,000 users")
    #expect(Quantity.count(0, "library", plural: "libraries") == "0 libraries")
  }
}
