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
