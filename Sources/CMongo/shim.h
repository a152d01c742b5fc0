// libmongoc for Swift.
//
// A bson_t asks for an alignment of 128 bytes, which Swift does not give it. So every bson_t lives on the stack of a
// function in here: documents come as bytes and their length, and replies go as bytes that the caller frees.
#pragma once
#include <mongoc/mongoc.h>

// The bytes of one BSON document, owned by whoever called; none when `bytes` is NULL.
typedef struct {
  uint8_t *bytes;
  uint32_t count;
} mixdown_reply;

static inline void mixdown_reply_free(mixdown_reply reply) { bson_free(reply.bytes); }

// Ends the life of a reply, and keeps its bytes. A document that fits into the bson_t itself is copied.
static inline mixdown_reply mixdown_reply_take(bson_t *reply) {
  mixdown_reply taken = {NULL, 0};
  taken.bytes = bson_destroy_with_steal(reply, true, &taken.count);
  return taken;
}

static inline const char *mixdown_error_message(const bson_error_t *error) { return error->message; }

// What libmongoc is told of a document that is none: it has refused it by then.
static inline bool mixdown_refuse(bson_error_t *error) {
  bson_set_error(error, MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, "bytes that are no document");
  return false;
}

// MARK: Commands

// Which settings of the client go with the command.
typedef enum {
  mixdown_command_plain = 0,
  mixdown_command_write = 1,
} mixdown_command_kind;

static inline bool mixdown_command(mongoc_client_t *client, const char *database, mixdown_command_kind kind,
                                   const uint8_t *bytes, size_t count, mixdown_reply *reply, bson_error_t *error) {
  bson_t command, answer;
  *reply = (mixdown_reply){NULL, 0};
  if (!bson_init_static(&command, bytes, count)) return mixdown_refuse(error);
  bool done;
  if (kind == mixdown_command_write) {
    done = mongoc_client_write_command_with_opts(client, database, &command, NULL, &answer, error);
  } else {
    done = mongoc_client_command_with_opts(client, database, &command, NULL, NULL, &answer, error);
  }
  *reply = mixdown_reply_take(&answer);
  return done;
}

// MARK: Cursors

// A cursor over what `filter` matches; NULL when one of the documents is none. Options as of
// mongoc_collection_find_with_opts. It must end before its client is given back.
static inline mongoc_cursor_t *mixdown_find(mongoc_client_t *client, const char *database, const char *collection,
                                            const uint8_t *filter_bytes, size_t filter_count,
                                            const uint8_t *options_bytes, size_t options_count, bool primary) {
  bson_t filter, options;
  if (!bson_init_static(&filter, filter_bytes, filter_count)) return NULL;
  if (!bson_init_static(&options, options_bytes, options_count)) return NULL;
  mongoc_collection_t *found = mongoc_client_get_collection(client, database, collection);
  mongoc_read_prefs_t *preference = primary ? mongoc_read_prefs_new(MONGOC_READ_PRIMARY) : NULL;
  // Both are copied into the cursor.
  mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(found, &filter, &options, preference);
  mongoc_read_prefs_destroy(preference);
  mongoc_collection_destroy(found);
  return cursor;
}

// The cursor of a command's reply, such as that of `aggregate` and `listIndexes`, of which the first batch is in it.
static inline mongoc_cursor_t *mixdown_command_cursor(mongoc_client_t *client, const char *database,
                                                      const uint8_t *bytes, size_t count, bson_error_t *error) {
  bson_t command, answer, options = BSON_INITIALIZER;
  if (!bson_init_static(&command, bytes, count)) {
    mixdown_refuse(error);
    return NULL;
  }
  mongoc_server_description_t *selected = mongoc_client_select_server(client, false, NULL, error);
  if (!selected) return NULL;
  // What follows the first batch has to come from the server that has the rest.
  uint32_t server = mongoc_server_description_id(selected);
  mongoc_server_description_destroy(selected);
  BSON_APPEND_INT32(&options, "serverId", (int32_t)server);
  mongoc_cursor_t *cursor = NULL;
  if (mongoc_client_command_with_opts(client, database, &command, NULL, &options, &answer, error)) {
    // Takes the reply over.
    cursor = mongoc_cursor_new_from_command_reply_with_opts(client, &answer, &options);
  } else {
    bson_destroy(&answer);
  }
  bson_destroy(&options);
  return cursor;
}

// The bytes of the next document, which hold until the next call; false at the end, or when the cursor failed.
static inline bool mixdown_cursor_next(mongoc_cursor_t *cursor, const uint8_t **bytes, uint32_t *count) {
  const bson_t *document;
  if (!mongoc_cursor_next(cursor, &document)) return false;
  *bytes = bson_get_data(document);
  *count = document->len;
  return true;
}

// MARK: Bulk writes

enum {
  mixdown_bulk_insert = 'i',  // document
  mixdown_bulk_update = 'u',  // filter, update; as an upsert
  mixdown_bulk_replace = 'r', // filter, document
  mixdown_bulk_compute = 'c', // filter, pipeline
  mixdown_bulk_delete = 'd',  // filter
};

// Takes a document's bytes off the front of `rest`.
static inline bool mixdown_bulk_document(const uint8_t **rest, size_t *left, bson_t *document) {
  if (*left < 5) return false;
  uint32_t length;
  memcpy(&length, *rest, 4);
  length = BSON_UINT32_FROM_LE(length);
  if (length > *left || !bson_init_static(document, *rest, length)) return false;
  *rest += length;
  *left -= length;
  return true;
}

static inline bool mixdown_bulk_add(mongoc_bulk_operation_t *bulk, const uint8_t *bytes, size_t count,
                                    bson_error_t *error) {
  bson_t first, second, plain = BSON_INITIALIZER, upsert = BSON_INITIALIZER;
  // What the documents are made of was checked when it was read, or is Mixdown's own.
  BSON_APPEND_BOOL(&plain, "validate", false);
  BSON_APPEND_BOOL(&upsert, "validate", false);
  BSON_APPEND_BOOL(&upsert, "upsert", true);
  bool good = true;
  while (good && count > 0) {
    uint8_t kind = *bytes++;
    count--;
    if (!mixdown_bulk_document(&bytes, &count, &first)) {
      good = mixdown_refuse(error);
    } else if (kind == mixdown_bulk_insert) {
      good = mongoc_bulk_operation_insert_with_opts(bulk, &first, &plain, error);
    } else if (kind == mixdown_bulk_delete) {
      good = mongoc_bulk_operation_remove_one_with_opts(bulk, &first, NULL, error);
    } else if (!mixdown_bulk_document(&bytes, &count, &second)) {
      good = mixdown_refuse(error);
    } else if (kind == mixdown_bulk_update) {
      good = mongoc_bulk_operation_update_one_with_opts(bulk, &first, &second, &upsert, error);
    } else if (kind == mixdown_bulk_compute) {
      good = mongoc_bulk_operation_update_one_with_opts(bulk, &first, &second, &plain, error);
    } else {
      good = mongoc_bulk_operation_replace_one_with_opts(bulk, &first, &second, &plain, error);
    }
  }
  bson_destroy(&plain);
  bson_destroy(&upsert);
  return good;
}

// Sends operations, one after another in `bytes`, each a kind and its documents, as one unordered bulk.
//
// False when anything failed; `reply` has the counts and, as `writeErrors`, which ones.
static inline bool mixdown_bulk(mongoc_client_t *client, const char *database, const char *collection,
                                const uint8_t *bytes, size_t count, mixdown_reply *reply, bson_error_t *error) {
  bson_t options = BSON_INITIALIZER, answer;
  *reply = (mixdown_reply){NULL, 0};
  BSON_APPEND_BOOL(&options, "ordered", false);
  mongoc_collection_t *found = mongoc_client_get_collection(client, database, collection);
  mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(found, &options);
  bool done = mixdown_bulk_add(bulk, bytes, count, error);
  if (done) {
    done = mongoc_bulk_operation_execute(bulk, &answer, error) != 0;
    *reply = mixdown_reply_take(&answer);
  }
  mongoc_bulk_operation_destroy(bulk);
  mongoc_collection_destroy(found);
  bson_destroy(&options);
  return done;
}

// MARK: Addresses

// Write concern majority with journal, whatever the address says: what was reported as written is written.
static inline void mixdown_uri_set_durable(mongoc_uri_t *uri) {
  mongoc_write_concern_t *concern = mongoc_write_concern_new();
  mongoc_write_concern_set_wmajority(concern, 0);
  mongoc_write_concern_set_journal(concern, true);
  mongoc_uri_set_write_concern(uri, concern);
  mongoc_write_concern_destroy(concern);
}

// A host of an address, as `name:port`.
static inline const char *mixdown_host(const mongoc_host_list_t *host) { return host->host_and_port; }

// MARK: The library

// What libmongoc would print goes nowhere: Mixdown says what failed itself, and knows what must not be said.
static inline void mixdown_start(void) {
  mongoc_init();
  mongoc_log_set_handler(NULL, NULL);
}
