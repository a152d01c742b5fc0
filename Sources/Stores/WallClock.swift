internal import Glibc

/// The wall clock, in milliseconds since 1970. What a run decides by is its `--as-of`, for which this is read once.
package func wallClock() -> Int64 {
  var time = timespec()
  _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
