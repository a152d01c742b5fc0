// The floor: what any merge of files must do at least. Reads and decompresses every input, copies the store to a new
// file, syncs it and renames it over the old one, with the calls that a plain program uses. Nothing is parsed.
//
//   floor STORE_FOLDER INPUT...
//
// Prints one line of JSON: bytes, and the seconds of each part.
#define _GNU_SOURCE
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { blockSize = 1 << 20 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void require(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

// The bytes of all entries.
static long long readInput(const char *path) {
  struct archive *archive = archive_read_new();
  archive_read_support_filter_all(archive);
  archive_read_support_format_all(archive);
  archive_read_support_format_raw(archive);
  require(archive_read_open_filename(archive, path, blockSize) == ARCHIVE_OK, path);
  struct archive_entry *entry;
  long long total = 0;
  int status;
  while ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
    const void *block;
    size_t size;
    la_int64_t offset;
    while ((status = archive_read_data_block(archive, &block, &size, &offset)) == ARCHIVE_OK) total += size;
    require(status == ARCHIVE_EOF, path);
  }
  require(status == ARCHIVE_EOF, path);
  archive_read_free(archive);
  return total;
}

static long long copyFile(int from, int to) {
  static char block[blockSize];
  long long total = 0;
  ssize_t got;
  while ((got = read(from, block, blockSize)) > 0) {
    for (ssize_t done = 0, put; done < got; done += put) {
      put = write(to, block + done, got - done);
      require(put > 0, "write");
    }
    total += got;
  }
  require(got == 0, "read");
  return total;
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: floor STORE_FOLDER INPUT...\n");
    return 64;
  }
  setlocale(LC_CTYPE, "C.UTF-8");  // libarchive converts the names of entries

  double start = now();
  long long inputBytes = 0;
  for (int i = 2; i < count; i++) inputBytes += readInput(arguments[i]);

  double copying = now();
  require(chdir(arguments[1]) == 0, arguments[1]);
  int store = open("user_library.bson", O_RDONLY), copy = open("floor.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  require(store >= 0 && copy >= 0, "open");
  long long storeBytes = copyFile(store, copy);

  double syncing = now();
  require(fsync(copy) == 0, "fsync");
  require(rename("floor.tmp", "user_library.bson") == 0, "rename");
  int folder = open(".", O_RDONLY | O_DIRECTORY);
  require(folder >= 0 && fsync(folder) == 0, "fsync");
  double end = now();

  printf("{\"input_bytes\": %lld, \"store_bytes\": %lld, ", inputBytes, storeBytes);
  printf("\"seconds\": {\"read\": %.4f, \"copy\": %.4f, \"fsync\": %.4f}}\n", copying - start, syncing - copying,
         end - syncing);
  return 0;
}
