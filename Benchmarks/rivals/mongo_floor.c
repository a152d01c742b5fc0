// The floor of writing to MongoDB: a minimal program that sends ready documents with Mixdown's write concern, each in
// the place of the one of the same _id and the version that it was computed from. It looks at nothing that comes back
// but the number of matches.
//
//   mongo_floor ADDRESS OLD.bson NEW.bson THREADS
//
// Documents of both files are paired by their order; what is equal in both is not sent. Prints one line of JSON.
#include <fcntl.h>
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { batchOperations = 400, batchBytes = 8 << 20 };

typedef struct {
  const uint8_t *old, *new;
} Pair;

static Pair *pairs;
static size_t count;
static atomic_size_t next, matched;
static mongoc_client_pool_t *pool;
static char database[64];

static void require(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "mongo_floor: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static const uint8_t *mapped(const char *path, size_t *size) {
  int file = open(path, O_RDONLY);
  struct stat status;
  require(file >= 0 && fstat(file, &status) == 0, path);
  *size = status.st_size;
  const uint8_t *bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  require(bytes != MAP_FAILED, path);
  return bytes;
}

static uint32_t length(const uint8_t *document) {
  uint32_t length;
  memcpy(&length, document, 4);
  return length;
}

static void *work(void *unused) {
  mongoc_client_t *client = mongoc_client_pool_pop(pool);
  mongoc_collection_t *collection = mongoc_client_get_collection(client, database, "user_library");
  bson_t unordered = BSON_INITIALIZER, plain = BSON_INITIALIZER;
  BSON_APPEND_BOOL(&unordered, "ordered", false);
  BSON_APPEND_BOOL(&plain, "validate", false);
  for (;;) {
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(collection, &unordered);
    size_t bytes = 0, operations = 0;
    bson_error_t error;
    while (operations < batchOperations && bytes < batchBytes) {
      size_t place = atomic_fetch_add(&next, 1);
      if (place >= count) break;
      bson_t old, new, filter = BSON_INITIALIZER;
      bson_iter_t id, version;
      bson_init_static(&old, pairs[place].old, length(pairs[place].old));
      bson_init_static(&new, pairs[place].new, length(pairs[place].new));
      require(bson_iter_init_find(&id, &old, "_id") && bson_iter_init_find(&version, &old, "updated_at"), "a document");
      bson_append_iter(&filter, NULL, 0, &id);
      bson_append_iter(&filter, NULL, 0, &version);
      require(mongoc_bulk_operation_replace_one_with_opts(bulk, &filter, &new, &plain, &error), error.message);
      bson_destroy(&filter);
      bytes += new.len;
      operations++;
    }
    if (operations > 0) {
      bson_t reply;
      bson_iter_t found;
      require(mongoc_bulk_operation_execute(bulk, &reply, &error), error.message);
      if (bson_iter_init_find(&found, &reply, "nMatched")) atomic_fetch_add(&matched, bson_iter_int32(&found));
      bson_destroy(&reply);
    }
    mongoc_bulk_operation_destroy(bulk);
    if (operations == 0) break;
  }
  bson_destroy(&unordered);
  bson_destroy(&plain);
  mongoc_collection_destroy(collection);
  mongoc_client_pool_push(pool, client);
  return NULL;
}

int main(int argc, char **arguments) {
  if (argc != 5) {
    fprintf(stderr, "usage: mongo_floor ADDRESS OLD.bson NEW.bson THREADS\n");
    return 64;
  }
  mongoc_init();
  mongoc_uri_t *uri = mongoc_uri_new(arguments[1]);
  require(uri && mongoc_uri_get_database(uri), "an address with a database");
  snprintf(database, sizeof database, "%s", mongoc_uri_get_database(uri));
  mongoc_write_concern_t *concern = mongoc_write_concern_new();
  mongoc_write_concern_set_wmajority(concern, 0);
  mongoc_write_concern_set_journal(concern, true);
  mongoc_uri_set_write_concern(uri, concern);
  pool = mongoc_client_pool_new(uri);

  size_t oldSize, newSize, oldPlace = 0, newPlace = 0, bytes = 0;
  const uint8_t *old = mapped(arguments[2], &oldSize), *new = mapped(arguments[3], &newSize);
  pairs = calloc(oldSize / 5 + 1, sizeof *pairs);
  while (oldPlace < oldSize && newPlace < newSize) {
    Pair pair = {old + oldPlace, new + newPlace};
    oldPlace += length(pair.old);
    newPlace += length(pair.new);
    if (length(pair.old) == length(pair.new) && memcmp(pair.old, pair.new, length(pair.old)) == 0) continue;
    bytes += length(pair.new);
    pairs[count++] = pair;
  }

  double start = now(), startCPU = cpu();
  int threads = atoi(arguments[4]);
  pthread_t thread[64];
  require(threads >= 1 && threads <= 64, "1 to 64 threads");
  for (int i = 0; i < threads; i++) pthread_create(&thread[i], NULL, work, NULL);
  for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
  printf("{\"documents\": %zu, \"matched\": %zu, \"bytes\": %zu, \"seconds\": %.4f, \"cpu\": %.4f}\n", count,
         (size_t)matched, bytes, now() - start, cpu() - startCPU);
  return matched == count ? 0 : 1;
}
