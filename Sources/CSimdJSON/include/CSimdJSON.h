#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes that must be readable after a text. What they hold does not matter.
enum { mj_padding = 64 };

typedef enum __attribute__((enum_extensibility(closed))) {
  mj_status_ok,
  /// Not one JSON value of RFC 8259 in UTF-8.
  mj_status_invalid,
  /// An array or object more than the limit inside others.
  mj_status_too_deep,
  /// The text or its BSON passes 2^31-1 bytes.
  mj_status_too_large,
  mj_status_out_of_memory,
} mj_status;

typedef enum __attribute__((enum_extensibility(closed))) {
  mj_kind_object,
  mj_kind_array,
  mj_kind_string,
  mj_kind_number,
  mj_kind_boolean,
  mj_kind_null,
} mj_kind;

typedef struct {
  mj_status status;
  /// What the text is, when `status` is OK.
  mj_kind kind;
  /// A key holds U+0000, which BSON cannot: the bytes C0 80 stand for it.
  bool nul_keys;
  /// Where the text is INVALID or TOO_DEEP.
  size_t offset;
  /// The object or array as BSON, until the next call on this reader; of other kinds nothing.
  const uint8_t *bson;
  size_t bson_length;
} mj_result;

/// The memory of one reader, kept between texts. For one thread at a time.
typedef struct mj_reader mj_reader;

/// A new reader, or NULL where memory is short.
mj_reader *mj_reader_new(void);
void mj_reader_free(mj_reader *reader);

/// Reads the JSON text at `json` as BSON. `mj_padding` readable bytes must follow its `length`.
///
/// `max_depth` arrays and objects may stand inside each other. With `identity_only`, only what tells whose dump
/// this is gets converted: see `JSONReader`.
mj_result mj_read(mj_reader *reader, const uint8_t *json, size_t length, uint32_t max_depth, bool identity_only);

#ifdef __cplusplus
}
#endif
