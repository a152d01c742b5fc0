/// What a part of a picture means to its reader; its colour follows from it, and never says it alone.
public enum Tone: String, Sendable {
  /// What the picture is about.
  case main
  /// Beside it.
  case mild
  /// Nothing to look at.
  case muted
  /// To be looked at.
  case warn
  /// Gone wrong.
  case bad
}
