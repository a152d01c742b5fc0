internal import Foundation

extension StepDeclaration {
  /// The declaration of a subcommand, from the dump of the whole program's help.
  ///
  /// - Parameters:
  ///   - name: the subcommand's name.
  ///   - dump: what `--experimental-dump-help` prints.
  ///   - read: the flags that name a file that is read.
  ///   - isArgued: whether its arguments are a key of the step.
  ///   - complaint: what the subcommand's parser has against some arguments.
  public init?(
    _ name: String, dump: String, reading read: [String] = [], isArgued: Bool = true,
    complaint: @escaping @Sendable ([String]) -> String?
  ) {
    guard let command = ToolInfo(dump: dump)?.command.subcommands?.first(where: { $0.commandName == name })
    else { return nil }
    let arguments = command.arguments ?? []
    let flags = Set(arguments.filter { $0.kind == "flag" }.flatMap { $0.names ?? [] }.map(\.name))
    // A flag with an opposite is declared as two, of which the first has a default.
    let opposites = arguments.filter { $0.kind == "flag" && $0.defaultValue != nil }
      .flatMap { $0.names ?? [] }.map { "no-" + $0.name }.filter(flags.contains)
    let keys = arguments.compactMap { Key($0, opposites: opposites, reading: read) }
    self.init(
      name: name, abstract: command.abstract ?? "", keys: keys.filter { isArgued || !$0.isArguments },
      complaint: complaint)
  }
}

extension StepDeclaration.Key {
  /// Flags that ask something of the command line itself and are no part of what a step does.
  private static let asking: Set = ["help", "version", "generate-completion-script"]

  fileprivate init?(_ argument: ToolInfo.Argument, opposites: [String], reading read: [String]) {
    let long = argument.names?.first { $0.kind == "long" }?.name
    guard argument.shouldDisplay ?? true, let name = long ?? argument.valueName, !Self.asking.contains(name),
      !opposites.contains(name)
    else {
      return nil
    }
    let isFlag = argument.kind == "flag"
    let isPath = argument.completionKind?.isPath ?? false
    self.init(
      name: name, abstract: argument.abstract ?? "",
      standard: isFlag ? argument.defaultValue.map { "\($0 == "--" + name)" } : argument.defaultValue, isFlag: isFlag,
      opposite: opposites.first { $0 == "no-" + name },
      isArguments: argument.kind == "positional", isRepeated: argument.isRepeating ?? false,
      choices: argument.allValues, isPath: isPath, isRead: isPath && (long == nil || read.contains(name)))
  }
}

/// What is used of the dump that swift-argument-parser makes of a program.
public struct ToolInfo: Decodable, Sendable {
  public let command: Command

  /// - Parameter dump: what `--experimental-dump-help` prints.
  public init?(dump: String) {
    guard let read = try? JSONDecoder().decode(ToolInfo.self, from: Data(dump.utf8)) else { return nil }
    self = read
  }

  public struct Command: Decodable, Sendable {
    public let commandName: String
    public let shouldDisplay: Bool?
    public let abstract: String?
    public let discussion: String?
    public let arguments: [Argument]?
    public let subcommands: [Command]?
  }

  public struct Argument: Decodable, Sendable {
    /// `positional`, `option` or `flag`.
    public let kind: String
    public let shouldDisplay: Bool?
    public let isOptional: Bool?
    public let isRepeating: Bool?
    public let names: [Name]?
    public let valueName: String?
    public let defaultValue: String?
    public let allValues: [String]?
    public let abstract: String?
    let completionKind: Completion?
  }

  public struct Name: Decodable, Sendable {
    /// `long`, `short` or `longWithSingleDash`.
    public let kind: String
    public let name: String
  }

  /// Files and folders are completed as such: that is how a declaration says what a value names.
  struct Completion: Decodable {
    let isPath: Bool

    private struct Kind: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }

      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let kinds = try decoder.container(keyedBy: Kind.self).allKeys.map(\.stringValue)
      isPath = kinds.contains("file") || kinds.contains("directory")
    }
  }
}
