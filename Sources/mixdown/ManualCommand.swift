import ArgumentParser
import Jobs

struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual",
    abstract: "Print the manual page, for man.",
    discussion: """
      mixdown manual > /usr/local/share/man/man1/mixdown.1
      """,
    shouldDisplay: false)

  func run() throws {
    guard let tool = ToolInfo(dump: Mixdown._dumpHelp()) else { throw failure("the help cannot be read", .failed) }
    say(ManualPage(tool.command, version: programVersion).text)
  }
}
