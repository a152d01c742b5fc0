import Dumps
import Glibc

/// A file in memory, without a name, that every input is written to.
private let descriptor: CInt = {
  let path = "/dev/shm/mixdown-fuzz-\(getpid())"
  let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
  precondition(unsafe descriptor >= 0 && unlink(path) == 0)
  return descriptor
}()
private let limits = Limits(maxDumpSize: 64 << 10, maxDepth: 64, maxEntries: 1000, maxExpansion: 100)

/// libFuzzer calls this with each file that it makes up.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  prepareForArchives()
  guard ftruncate(descriptor, 0) == 0, unsafe pwrite(descriptor, bytes, count, 0) == count else { return 0 }
  let digest = try? InputReader(limits: limits).read("/proc/self/fd/\(descriptor)") { event in
    if case .dump(let dump) = event {
      precondition(dump.count <= limits.maxDumpSize, "a dump past the limit")
      precondition(dump.text.suffix(RawDump.padding).allSatisfy { $0 == 0 }, "no padding")
    }
    return true
  }
  precondition(digest.map { $0.finished && $0.bytes == count } ?? true, "not read to its end")
  return 0
}
