import Pages

/// The progress of a merge as one line of text.
struct ProgressBar {
  let figures: ProgressFigures
  let rate: ProgressRate
  /// Whether the terminal shows more than ASCII.
  var isPlain = false

  /// The line for a terminal of so many columns. It leaves the last one free, in which some terminals break the line.
  ///
  /// What is least needed is left out first where there is no room: the bar, then the rate, then how much is done.
  func line(columns: Int) -> String {
    let room = columns - 1
    let parts = [amount, speed, remaining].compactMap { $0 }
    let percent = figures.share.map { Self.percent($0) }
    let head = ([name] + (percent.map { [$0] } ?? [])).joined(separator: " ")
    let full = ([head] + parts).joined(separator: "  ")
    if let share = figures.share, full.count + 14 <= room {
      let bar = bar(share, width: min(30, room - full.count - 4))
      return ([name, bar, percent ?? ""].joined(separator: " ") + "  " + parts.joined(separator: "  "))
    }
    let lines = [
      full,
      ([head] + [amount, remaining].compactMap { $0 }).joined(separator: "  "),
      ([head] + [remaining].compactMap { $0 }).joined(separator: "  "),
      head, percent ?? name,
    ]
    return lines.first { $0.count <= room } ?? ""
  }

  /// The line for a file or a pipe.
  var message: String {
    let percent = figures.share.map { String(Self.percent($0).drop { $0 == " " }) }
    let head = [name, percent].compactMap { $0 }.joined(separator: " ")
    return [head, amount, speed, remaining].compactMap { $0 }.joined(separator: ", ")
  }

  // MARK: Parts

  private var name: String {
    switch figures.phase {
    case .read: "reading"
    case .merge: "merging"
    case .commit: "writing"
    }
  }

  private var amount: String? {
    switch figures.phase {
    case .read:
      guard let inAll = figures.bytesInAll else { return Self.bytes(figures.bytesRead) }
      return "\(Self.bytes(figures.bytesRead)) of \(Self.bytes(inAll))"
    case .merge, .commit: return "\(figures.users) users"
    }
  }

  private var speed: String? {
    switch figures.phase {
    case .read: rate.perSecond.map { "\(Self.bytes(Int($0)))/s" }
    case .merge: rate.usersPerSecond.map { "\(Quantity.plain($0.rounded(.down), 0)) users/s" }
    case .commit: nil
    }
  }

  private var remaining: String? { rate.left(figures).map { "\(Self.clock($0)) left" } }

  private func bar(_ share: Double, width: Int) -> String {
    let done = Int((share * Double(width)).rounded(.down))
    let (full, empty) = isPlain ? ("#", ".") : ("█", "░")
    return "[" + String(repeating: full, count: done) + String(repeating: empty, count: width - done) + "]"
  }

  /// As wide for every share, so that what follows does not jump.
  static func percent(_ share: Double) -> String {
    let number = Int(share * 100)
    return String(repeating: " ", count: number < 10 ? 2 : number < 100 ? 1 : 0) + "\(number) %"
  }

  /// `0 B`, `17.5 MiB`.
  static func bytes(_ count: Int) -> String {
    var (size, unit) = (Double(count), "B")
    for larger in ["KiB", "MiB", "GiB", "TiB"] where size >= 1024 { (size, unit) = (size / 1024, larger) }
    guard unit != "B" else { return "\(count) B" }
    return "\(Quantity.plain(size, 1)) \(unit)"
  }

  /// `0:07`, `12:30`, `3:05:00`.
  static func clock(_ seconds: Double) -> String {
    let whole = Int(min(seconds.rounded(.up), 359_999))
    let padded = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return (hours > 0 ? "\(hours):\(padded(minutes))" : "\(minutes)") + ":" + padded(whole % 60)
  }
}
