internal import Glibc

/// Readies the process for libarchive. Reading and writing call it; a program with threads calls it first of all
/// in `main`, since the environment must not change while another thread reads it.
///
/// - The character type of the locale becomes C.UTF-8: otherwise libarchive gives no name for an entry whose
///   name is not ASCII.
/// - The time zone becomes UTC: a zip keeps local time without a zone, unless the entry has the extended field,
///   and the same archive must not mean another time on another machine.
public func prepareForArchives() { _ = preparation }

/// A global is initialised once, whoever asks first.
private let preparation: Void = {
  _ = unsafe setlocale(LC_CTYPE, "C.UTF-8")
  _ = unsafe setenv("TZ", "UTC", 1)
  tzset()
}()

/// Calls libarchive so that it leaves the names in a tar as their bytes are. Where it can say them in Unicode it composes
/// them first (NFC), and two users whose folders' names differ in that would become one.
///
/// It asks for the locale of the thread when it meets the first name that is not ASCII, finds that C has no such
/// characters, and hands on what it has read; of other formats than tar it would not.
func withPlainNames<Result>(_ call: () -> Result) -> Result {
  let before = unsafe uselocale(plainLocale)
  defer { _ = unsafe uselocale(before) }
  return call()
}

/// Safe to share: it is made once, whoever asks first, and never changed or freed. Nil, which changes nothing, when there
/// is no memory for it.
private nonisolated(unsafe) let plainLocale = unsafe newlocale(LC_CTYPE_MASK, "C", nil)
