/// What a run of several steps tells while it goes on.
public struct JobEvents: Sendable {
  /// The run goes on with one that did not end, by the clock of its first attempt; with the manifest so far.
  public var resumed: @Sendable (Manifest) -> Void = { _ in }
  /// A step begins.
  public var begins: @Sendable (String) -> Void = { _ in }
  /// A signal has come; by its name.
  public var interrupted: @Sendable (String) -> Void = { _ in }
  /// A step ended well; with the manifest so far.
  public var ended: @Sendable (Manifest.Step, Manifest) -> Void = { _, _ in }

  public init() {}
}
