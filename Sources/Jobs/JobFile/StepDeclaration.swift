/// What a step of a job may say: the long names of a subcommand's flags, read from the subcommand's own declaration.
///
/// Nothing is written twice: keys, defaults and help come from the dump that swift-argument-parser makes of a command,
/// and whether a value will do is asked of the command's own parser.
public struct StepDeclaration: Sendable {
  /// The subcommand's name.
  public let name: String
  public let abstract: String
  public let keys: [Key]

  /// What the command's parser has against these arguments; nil when it takes them.
  let complaint: @Sendable ([String]) -> String?

  public struct Key: Sendable {
    public let name: String
    public let abstract: String
    /// The value that counts where nobody names one; nil when the command has no fixed one.
    public let standard: String?
    /// Whether it is given on or off alone.
    public let isFlag: Bool
    /// The flag that turns it off, for one that is on unless told otherwise: `no-archive` of `archive`.
    public let opposite: String?
    /// Whether it is the command's arguments, which have no name on the command line.
    public let isArguments: Bool
    public let isRepeated: Bool
    /// The values that it may have, where they are few.
    public let choices: [String]?
    /// Whether it names a file or a folder.
    public let isPath: Bool
    /// Whether it names a file that is read, and so has to be there.
    public let isRead: Bool
  }

  /// What the values of a key look like.
  public enum Kind: Sendable, Equatable {
    case flag
    case choice([String])
    case wholeNumber
    case number
    /// A number or some other text, as `256MiB`, `24h` or a time.
    case quantity
    case text
  }

  public init(
    name: String, abstract: String, keys: [Key], complaint: @escaping @Sendable ([String]) -> String?
  ) {
    self.name = name
    self.abstract = abstract
    self.keys = keys
    self.complaint = complaint
  }

  /// The key of this name, or the one whose opposite has it.
  func key(_ name: String) -> Key? { keys.first { $0.name == name } ?? keys.first { $0.opposite == name } }

  /// All names that may be written.
  var names: [String] { keys.flatMap { [$0.name] + ($0.opposite.map { [$0] } ?? []) } }

  /// Finds out by trying what the values of a key look like.
  public func kind(of key: Key) -> Kind {
    if key.isFlag { return .flag }
    if let choices = key.choices { return .choice(choices) }
    guard !key.isArguments else { return .text }
    func takes(_ value: String) -> Bool { refusedKey(complaint(["--\(key.name)=\(value)"])) != key.name }
    if takes("any text") { return .text }
    if takes("1KiB") || takes("1h") || takes("2026-01-01T00:00:00Z") { return .quantity }
    return takes("1.5") ? .number : .wholeNumber
  }

  /// The key whose value a complaint refuses, or that it speaks of.
  func refusedKey(_ complaint: String?) -> String? {
    guard let complaint, let found = complaint.firstRange(of: "is invalid for '--") else { return nil }
    return String(complaint[found.upperBound...].prefix { $0 != " " && $0 != "'" && $0 != "." })
  }
}

extension StepDeclaration.Kind: CustomStringConvertible {
  /// Behind "is not": `true or false`.
  public var description: String {
    switch self {
    case .flag: "true or false"
    case .choice(let choices): "one of " + choices.joined(separator: ", ")
    case .wholeNumber: "a whole number"
    case .number: "a number"
    case .quantity: "a quantity or time"
    case .text: "a text"
    }
  }
}
