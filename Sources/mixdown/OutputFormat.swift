import ArgumentParser

/// How a command prints what it was asked for.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}
