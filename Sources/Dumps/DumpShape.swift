/// What a dump is written as, told by its keys.
public enum DumpShape: String, Sendable, CaseIterable {
  /// The browser's own storage: any key that begins with `tldr-`.
  case localStorage
  /// What the browser sends to the API: any key that begins with `local_`.
  case syncRequest
  /// The cloud's document as JSON.
  case library
}
