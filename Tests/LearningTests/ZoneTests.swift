import Testing

@testable import Learning

/// Local days and hours (docs/learning.md, *Statistics*): the zone database, exact at both edges of a change of the
/// clock.
@Suite struct ZoneTests {
  @Test(arguments: [
    ("Europe/Berlin", "2025-03-30T00:59:59.999Z", 1.0), ("Europe/Berlin", "2025-03-30T01:00:00Z", 2),
    ("Europe/Berlin", "2025-10-26T00:59:59.999Z", 2), ("Europe/Berlin", "2025-10-26T01:00:00Z", 1),
    ("America/New_York", "2025-03-09T06:59:59.999Z", -5), ("America/New_York", "2025-03-09T07:00:00Z", -4),
    ("America/New_York", "2025-11-02T05:59:59.999Z", -4), ("America/New_York", "2025-11-02T06:00:00Z", -5),
    ("Australia/Lord_Howe", "2025-10-04T15:29:59.999Z", 10.5), ("Australia/Lord_Howe", "2025-10-04T15:30:00Z", 11),
    ("Australia/Lord_Howe", "2025-04-05T14:59:59.999Z", 11), ("Australia/Lord_Howe", "2025-04-05T15:00:00Z", 10.5),
    ("Asia/Kolkata", "1970-01-01T00:00:01Z", 5.5), ("Asia/Kathmandu", "2025-01-01T00:00:00Z", 5.75),
    // Beyond the transitions that files list one by one.
    ("Europe/Berlin", "2040-03-25T01:00:00Z", 2),
    ("Europe/Berlin", "2099-03-29T00:59:59.999Z", 1), ("Europe/Berlin", "2099-03-29T01:00:00Z", 2),
    ("America/New_York", "2050-11-06T05:59:59.999Z", -4), ("America/New_York", "2050-11-06T06:00:00Z", -5),
    ("Pacific/Apia", "2011-12-30T09:59:59.999Z", -10), ("Pacific/Apia", "2011-12-30T10:00:00Z", 14),
    ("UTC", "2025-07-01T00:00:00Z", 0), ("Etc/GMT+5", "2025-07-01T00:00:00Z", -5),
  ])
  func `an offset changes at its instant`(name: String, instant: String, hours: Double) throws {
    let zone = try #require(Zones().zone(name))
    #expect(Double(zone.offset(at: time(instant))) / 3_600_000 == hours)
  }

  @Test(arguments: [
    // J never counts the 29th of February, a number alone does, from 0.
    ("J59", "1971-02-28", "1972-02-28"), ("J60", "1971-03-01", "1972-03-01"), ("59", "1971-03-01", "1972-02-29"),
    ("M3.5.0", "1971-03-28", "1972-03-26"), ("M2.1.1", "1971-02-01", "1972-02-07"),
  ])
  func `a rule names a day in three ways`(day: String, in1971: String, in1972: String) throws {
    let rule = try #require(ZoneRule(Array("\nAAA-1BBB,\(day)/3,J365\n".utf8)[...]))
    let transitions = rule.transitions(after: time("1971-01-01T00:00:00Z") / 1000, until: 1972)
    // At three by the clock that is left, which is an hour ahead.
    let begins = transitions.filter { $0.1 == 7200 }.map { $0.0 * 1000 }
    #expect(begins == [in1971, in1972].map { time("\($0)T02:00:00Z") })
  }

  @Test(arguments: [
    "", "AAA", "AAA-1BBB", "AAA-1BBB,M3.5.0", "AAA-1BBB,M0.1.0,M3.1.0", "AAA-1BBB,M13.1.0,M3.1.0",
    "AAA-1BBB,M3.0.0,M9.1.0", "AAA-1BBB,M3.6.0,M9.1.0", "AAA-1BBB,M3.5.7,M9.1.0", "AAA-1BBB,J,J60",
  ])
  func `what names no day is no rule`(rule: String) {
    #expect(ZoneRule(Array("\n\(rule)\n".utf8)[...]) == nil)
  }

  @Test(arguments: [
    "Mars/Olympus", "", "/etc/passwd", "../../../etc/passwd", "Europe/../Europe/Berlin", "right/Europe/Berlin",
    "posix/Europe/Berlin", "Europe", "zone.tab", "europe/berlin ", "Europe//Berlin", "tzdata.zi",
    "localtime", "posixrules", "Factory",
  ])
  func `what is no zone is none`(name: String) { #expect(Zones().zone(name) == nil) }

  @Test func `a day begins at its first instant`() throws {
    let apia = try #require(Zones().zone("Pacific/Apia"))
    // 2011-12-30 never was there.
    let day = apia.day(of: time("2011-12-30T09:00:00Z"))
    #expect(apia.firstInstant(ofDay: day + 1, after: time("2011-12-30T09:00:00Z")) == time("2011-12-30T10:00:00Z"))
    #expect(apia.firstInstant(ofDay: day + 2, after: time("2011-12-30T09:00:00Z")) == time("2011-12-30T10:00:00Z"))
    // At midnight the clock went back to 23:00.
    let brazil = try #require(Zones().zone("America/Sao_Paulo"))
    let autumn = brazil.day(of: time("2018-02-18T12:00:00Z"))
    #expect(brazil.firstInstant(ofDay: autumn, after: 0) == time("2018-02-18T03:00:00Z"))
    let berlin = try #require(Zones().zone("Europe/Berlin"))
    let spring = berlin.day(of: time("2025-03-30T12:00:00Z"))
    #expect(berlin.firstInstant(ofDay: spring, after: 0) == time("2025-03-29T23:00:00Z"))
    #expect(berlin.firstInstant(ofDay: spring + 1, after: 0) == time("2025-03-30T22:00:00Z"))
  }

  @Test func `plays are counted in the zone the user has now, the account's before the library's before the job's`()
    throws
  {
    var listeners = Listeners("library", plays: [play("a", "2025-03-09T23:30:00Z", 1)], ["timezone": "Asia/Kolkata"])
    listeners.add(
      "account", plays: [play("a", "2025-03-09T23:30:00Z", 1)], ["timezone": "Asia/Kolkata"],
      account: ["timezone": "America/New_York"])
    listeners.add("neither", plays: [play("a", "2025-03-09T23:30:00Z", 1)])
    listeners.add(
      "none", plays: [play("a", "2025-03-09T23:30:00Z", 1)], ["timezone": "America/New_York"],
      account: ["timezone": ""])
    listeners.add("unknown", plays: [play("a", "2025-03-09T23:30:00Z", 1)], account: ["timezone": "Mars/Olympus"])
    var parameters = StatisticsTests.parameters
    parameters.timezone = "Europe/Berlin"
    let learned = try learn(listeners, parameters)
    func days(_ user: String) -> [Value?]? { learned.statistics[user]?["plays_by_day"]?.each("day") }
    #expect(days("library") == ["2025-03-10"])
    #expect(days("account") == ["2025-03-09"])
    #expect(days("neither") == ["2025-03-10"])
    #expect(days("none") == ["2025-03-09"])
    #expect(days("unknown") == ["2025-03-10"])
    #expect(learned.statistics["account"]?["timezone"] == "America/New_York")
    #expect(learned.statistics["unknown"]?["timezone"] == "Europe/Berlin")
    #expect(learned.unknownZones == ["unknown": "Mars/Olympus"])
  }

  @Test func `an hour that happens twice counts in the same bucket, one that never happens in none`() throws {
    let plays = [
      // 02:30 summer time, 02:30 winter time, 03:30.
      play("a", "2025-10-26T00:30:00Z", 1), play("a", "2025-10-26T01:30:00Z", 1), play("a", "2025-10-26T02:30:00Z", 1),
      // 01:59:59.999, 03:00.
      play("a", "2025-03-30T00:59:59.999Z", 1), play("a", "2025-03-30T01:00:00Z", 1),
    ]
    let listeners = Listeners(plays: plays, ["timezone": "Europe/Berlin"])
    let statistics = try learn(listeners, LearningParameters(asOf: time("2025-12-01T00:00:00Z"))).statistics["ann"]
    let hours = statistics?["all_time", "by_hour"]?.items?.map { $0.number ?? -1 }
    #expect(hours?[0..<5] == [0, 1, 2, 2, 0])
  }
}
