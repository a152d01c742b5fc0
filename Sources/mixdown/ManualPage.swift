import Jobs

/// `man mixdown`, from the same declarations as `--help`, in the macros of man(7).
struct ManualPage {
  let text: String

  init(_ tool: ToolInfo.Command, version: String) {
    var lines = [
      ".TH \(tool.commandName.uppercased()) 1 \"\" \"\(tool.commandName) \(Self.escaped(version))\"",
      // Words are not broken: they are flags and paths.
      ".nh", ".ad l",
      ".SH NAME", "\(tool.commandName) \\- \(Self.escaped(tool.abstract ?? ""))",
      ".SH SYNOPSIS",
    ]
    let commands = Self.leaves(tool, path: [])
    for (path, command) in commands { lines += [Self.synopsis(command, path, of: tool.commandName), ".br"] }
    lines.removeLast()
    lines.append(".SH DESCRIPTION")
    lines += Self.paragraphs(tool.discussion)
    lines.append(".SH COMMANDS")
    for (path, command) in commands { lines += Self.section(command, path, of: tool.commandName) }
    lines += [
      ".SH ENVIRONMENT"
    ]
    for (variable, meaning) in Self.environment { lines += [".TP", "\\fB\(variable)\\fR", Self.escaped(meaning)] }
    lines += [
      ".SH FILES", ".TP", "\\fI<state>/<run>/manifest.json\\fR", "What a run was and did.",
      ".TP", "\\fI<state>/<run>/quarantine.ndjson\\fR", "What was not used, and why.",
    ]
    text = lines.joined(separator: "\n")
  }

  private static let environment = [
    ("MIXDOWN_STORE", "The store, where none is named."),
    ("MIXDOWN_STATE", "Where the folders of runs lie, where no --state is named."),
    ("MIXDOWN_MONGO_PASSWORD", "The password of whoever a mongodb:// address names, where it has none itself."),
    ("MIXDOWN_MONGO_PASSWORD_FILE", "A file with that password, where MIXDOWN_MONGO_PASSWORD is not set."),
    (
      "MIXDOWN_LEASE",
      "How many seconds the lease of a run on a server is long, from 0.5 to 86400. The same for all runs; default: 60."
    ),
    ("XDG_STATE_HOME", "The folders of runs on a server lie in its folder mixdown; default: ~/.local/state."),
    (
      "MONGOC_DISABLE_SHM",
      "libmongoc's own. Set to 1, it makes no counters in shared memory, and does not warn where there is none."
    ),
  ]

  /// The commands that do something, each with its name as it is written: `runs show`.
  private static func leaves(_ command: ToolInfo.Command, path: [String]) -> [(path: String, command: ToolInfo.Command)]
  {
    let parts = (command.subcommands ?? []).filter { ($0.shouldDisplay ?? true) && $0.commandName != "help" }
    guard !parts.isEmpty else { return [(path.joined(separator: " "), command)] }
    return parts.flatMap { leaves($0, path: path + [$0.commandName]) }
  }

  private static func section(_ command: ToolInfo.Command, _ path: String, of tool: String) -> [String] {
    var lines = [".SS \(escaped(path))", synopsis(command, path, of: tool), ".PP"]
    lines.append(lineStart(escaped(command.abstract ?? "")))
    let discussion = paragraphs(command.discussion)
    if !discussion.isEmpty { lines += [".PP"] + discussion }
    for argument in command.arguments ?? [] where argument.shouldDisplay ?? true {
      guard argument.names?.contains(where: { $0.name == "help" || $0.name == "version" }) != true else { continue }
      lines += [".TP", heading(argument), lineStart(escaped(explanation(argument)))]
    }
    return lines
  }

  /// `mixdown sync [inputs...] [options]`
  private static func synopsis(_ command: ToolInfo.Command, _ path: String, of tool: String) -> String {
    let shown = (command.arguments ?? []).filter { $0.shouldDisplay ?? true }
    let operands = shown.filter { $0.kind == "positional" }.map { operand in
      let name = "\\fI\(escaped(operand.valueName ?? ""))\\fR" + (operand.isRepeating ?? false ? "..." : "")
      return operand.isOptional ?? false ? " [\(name)]" : " \(name)"
    }
    let hasOptions = shown.contains { $0.kind != "positional" }
    return "\\fB\(tool) \(escaped(path))\\fR" + operands.joined() + (hasOptions ? " [options]" : "")
  }

  private static func heading(_ argument: ToolInfo.Argument) -> String {
    let value = "\\fI\(escaped(argument.valueName ?? ""))\\fR"
    guard argument.kind != "positional" else { return value }
    let names = (argument.names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name }
    let shown = names.map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ")
    return argument.kind == "flag" ? shown : "\(shown) \(value)"
  }

  private static func explanation(_ argument: ToolInfo.Argument) -> String {
    var text = argument.abstract ?? ""
    if let values = argument.allValues, !values.allSatisfy(text.contains) {
      text += " One of: \(values.joined(separator: ", "))."
    }
    if let standard = argument.defaultValue { text += " Default: \(standard)." }
    return text.isEmpty ? "See --help." : text
  }

  /// Text is filled; examples, which have several lines or begin with the program's name, stand as they are.
  private static func paragraphs(_ discussion: String?) -> [String] {
    var lines: [String] = []
    var isFirst = true
    for paragraph in (discussion ?? "").split(separator: "\n\n") {
      let parts = paragraph.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      if !isFirst { lines.append(".PP") }
      isFirst = false
      if parts.count > 1 || paragraph.hasPrefix("mixdown ") {
        lines += [".RS 2", ".nf"] + parts.map { lineStart(escaped($0)) } + [".fi", ".RE"]
      } else {
        lines.append(lineStart(escaped(String(paragraph))))
      }
    }
    return lines
  }

  /// A line that begins with a dot or a quote would be a command.
  private static func lineStart(_ line: String) -> String {
    line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("…", with: "...").replacing("’", with: "'")
  }
}
