/// Which of the two places that can name a dump's user is believed.
public enum UserSource: String, Sendable, CaseIterable {
  /// The dump itself, else its path.
  case content
  /// The path alone: exports that users upload themselves say what their sender likes.
  case path
  /// Both, and they must agree.
  case agree
}
