// Tells the thread sanitizer of waits for Swift's `Mutex`.
//
// Swift compiles a mutex's quick path into whoever uses it, where the sanitizer sees it, but leaves waiting, and waking
// whoever waits, to its own library and the kernel, where it does not. So what one thread did under a mutex for which
// another waited looks like a race: five lines of Swift show it. Linked into a program, these two take the place of the
// library's (Swift 6.3), call them, and say what the sanitizer missed. Should their names change, the false races are
// back, so that it cannot go unnoticed.
#include <dlfcn.h>
#include <stdint.h>

#define WAIT "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define WAKE "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

// Absent in the compiler's plug-ins, which are linked with the same options.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

SWIFT void wait_for_turn(uint32_t thread, SELF mutex) __asm__(WAIT);
SWIFT void wake_waiting(SELF mutex) __asm__(WAKE);

SWIFT void wait_for_turn(uint32_t thread, SELF mutex) {
  SWIFT void (*next)(uint32_t, SELF) = dlsym(RTLD_NEXT, WAIT);
  next(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void wake_waiting(SELF mutex) {
  SWIFT void (*next)(SELF) = dlsym(RTLD_NEXT, WAKE);
  if (__tsan_release) __tsan_release(mutex);
  next(mutex);
}
