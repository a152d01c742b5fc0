/// The name that somebody most likely meant.
///
/// - Returns: the nearest of `names` by edit distance, the first of several; nil when none is near enough to be meant.
func nearestName(to written: String, among names: [String]) -> String? {
  nearest(to: written, among: names).flatMap { $0.distance <= max(2, written.count / 2) ? $0.name : nil }
}

/// `; did you mean "workers"?`, for an error message.
func suggestion(for written: String, among names: [String]) -> String {
  if let name = nearestName(to: written, among: names) { return "; did you mean \"\(name)\"?" }
  return nearest(to: written, among: names).map { "; the nearest that there is: \"\($0.name)\"" } ?? ""
}

private func nearest(to written: String, among names: [String]) -> (name: String, distance: Int)? {
  let folded = written.lowercased().replacing("_", with: "-")
  return names.map { (name: $0, distance: editDistance(folded, $0.lowercased())) }.min { $0.distance < $1.distance }
}

/// How many letters have to be put in, left out, replaced or swapped with their neighbour to make one text the other.
private func editDistance(_ one: String, _ other: String) -> Int {
  let (one, other) = (Array(one), Array(other))
  var beforeLast: [Int] = []
  var last = Array(0...other.count)
  for row in 1...max(1, one.count) where row <= one.count {
    var current = [row]
    for column in 1...max(1, other.count) where column <= other.count {
      let replaced = last[column - 1] + (one[row - 1] == other[column - 1] ? 0 : 1)
      var least = min(replaced, last[column] + 1, current[column - 1] + 1)
      if row > 1, column > 1, one[row - 1] == other[column - 2], one[row - 2] == other[column - 1] {
        least = min(least, beforeLast[column - 2] + 1)
      }
      current.append(least)
    }
    (beforeLast, last) = (last, current)
  }
  return last[other.count]
}
