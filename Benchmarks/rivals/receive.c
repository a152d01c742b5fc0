/* The floor beneath any client that reads collections of a server: receives all their documents through libmongoc and
 * looks at none.
 *
 *     receive URI COLLECTION…
 */
#include <mongoc/mongoc.h>
#include <stdio.h>

int main(int count, char **arguments) {
  bson_error_t error;
  mongoc_init();
  mongoc_uri_t *uri = count > 2 ? mongoc_uri_new_with_error(arguments[1], &error) : NULL;
  if (!uri || !mongoc_uri_get_database(uri)) {
    fprintf(stderr, "usage: receive URI-WITH-DATABASE COLLECTION...\n");
    return 64;
  }
  mongoc_client_t *client = mongoc_client_new_from_uri(uri);
  unsigned long long bytes = 0;
  for (int index = 2; index < count; index++) {
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, mongoc_uri_get_database(uri), arguments[index]);
    bson_t everything = BSON_INITIALIZER;
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, &everything, NULL, NULL);
    const bson_t *document;
    while (mongoc_cursor_next(cursor, &document)) bytes += document->len;
    if (mongoc_cursor_error(cursor, &error)) {
      fprintf(stderr, "%s: %s\n", arguments[index], error.message);
      return 69;
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(collection);
  }
  printf("%llu bytes\n", bytes);
  mongoc_client_destroy(client);
  mongoc_uri_destroy(uri);
  mongoc_cleanup();
  return 0;
}
