/// Why the reading of an entry, an archive or an input ends before its end.
enum ReadFailure: Error {
  /// The sink wants no more.
  case stopped
  /// The system failed: the run does.
  case input(InputError)
  /// The fault costs this entry; the next one may be read.
  case entry(InputFault)
  /// The fault costs the rest of the archive or compressed file.
  case rest(InputFault)

  /// Whether what was read is at fault, and what came before may be used.
  var isDamage: Bool {
    switch self {
    case .entry, .rest: true
    case .stopped, .input: false
    }
  }
}
