/// How a dump says whose it is, when it was taken and where.
enum Envelope {
  /// It does not: the file's place and time, or the dump's own keys, do.
  case none
  /// `user_id`, `exported_at` and `device_id` beside its own keys.
  case beside
  /// The same three keys around it, and itself as `data`.
  case around
}
