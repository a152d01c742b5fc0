/// A text in which the variables of the environment are put in.
struct ExpandedText: Equatable {
  var text: String
  /// The variable that gave something; the first of several.
  var variable: String?
  /// Whether the text begins with what a variable gave.
  var beginsWithVariable = false
}

/// What is wrong with a text that names variables.
struct VariableFault: Error, Equatable {
  let message: String
}

/// Puts the environment into `${VARIABLE}` and `${VARIABLE:-default}`; `$${` stands for `${`.
///
/// As in a shell, `:-` stands in for a variable that is not set or empty. What is put in is not looked into again.
func expand(_ text: String, _ environment: [String: String]) throws(VariableFault) -> ExpandedText {
  var expanded = ExpandedText(text: "")
  var rest = Substring(text)
  while let dollar = rest.firstRange(of: "${") {
    if rest[..<dollar.lowerBound].hasSuffix("$") {
      expanded.text += rest[..<dollar.lowerBound].dropLast() + "${"
      rest = rest[dollar.upperBound...]
      continue
    }
    expanded.text += rest[..<dollar.lowerBound]
    guard let brace = rest[dollar.upperBound...].firstIndex(of: "}") else {
      throw VariableFault(message: "\"${\" without \"}\"; write \"$${\" for the two signs themselves")
    }
    let inside = rest[dollar.upperBound..<brace]
    rest = rest[rest.index(after: brace)...]
    let name = inside.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
    let after = inside[name.endIndex...]
    guard let first = name.first, !first.isNumber, after.isEmpty || after.hasPrefix(":-") else {
      throw VariableFault(message: "\"${\(inside)}\" is neither \"${VARIABLE}\" nor \"${VARIABLE:-default}\"")
    }
    let value = environment[String(name)]
    if let value, !(value.isEmpty && after.hasPrefix(":-")) {
      if expanded.text.isEmpty { expanded.beginsWithVariable = true }
      expanded.variable = expanded.variable ?? String(name)
      expanded.text += value
    } else if after.hasPrefix(":-") {
      expanded.text += after.dropFirst(2)
    } else {
      throw VariableFault(
        message: "\(name) is not set in the environment; \"${\(name):-default}\" would do without it")
    }
  }
  expanded.text += rest
  return expanded
}
