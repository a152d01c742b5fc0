internal import Glibc

/// Whether a test has planted this fault, by `MIXDOWN_FAULT`. Only builds for debugging can be made to fail.
package func isPlanted(_ fault: String) -> Bool {
  #if DEBUG
    guard let planted = unsafe getenv("MIXDOWN_FAULT") else { return false }
    return unsafe String(cString: planted) == fault
  #else
    return false
  #endif
}
