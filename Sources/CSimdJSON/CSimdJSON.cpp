// JSON text to BSON bytes in one pass.
//
// simdjson's first stage, chosen at run time for the processor, checks the UTF-8 and finds where each token starts.
// The loop over those places is our own, for simdjson's front ends do not fit: On-Demand leaves unchecked what nobody
// asks for and is compiled for the oldest processor, and both refuse the lone surrogates that real exports hold.

#include "CSimdJSON.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string_view>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "BSON's numbers are copied as they lie in memory");

namespace {

/// Buffers larger than this are given back after a text.
constexpr size_t kept_bytes = size_t{8} << 20;

/// BSON counts with int32.
constexpr size_t max_length = std::numeric_limits<int32_t>::max();

/// Stands in place of a secret, as a BSON string.
constexpr std::string_view redacted = "<redacted>";

enum BSONType : uint8_t {
  bson_none = 0x00,
  bson_double = 0x01,
  bson_string = 0x02,
  bson_document = 0x03,
  bson_array = 0x04,
  bson_bool = 0x08,
  bson_null = 0x0A,
  bson_int32 = 0x10,
  bson_int64 = 0x12,
};

/// What becomes of a value.
enum class Treatment : uint8_t {
  convert,
  /// Of an object's members only those that tell whose it is are converted.
  reduce,
  /// Stepped over, and null in the BSON.
  skip,
  /// Checked, and replaced.
  redact,
};

/// A malloc'd array of plain values, whose content does not survive growth.
template <class T>
class Buffer {
 public:
  T *data = nullptr;

  Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { std::free(data); }

  [[nodiscard]] bool reserve(size_t count) noexcept {
    if (count <= capacity_) return true;
    std::free(data);
    data = static_cast<T *>(std::malloc(count * sizeof(T)));
    capacity_ = data ? count : 0;
    return data != nullptr;
  }

  void trim() noexcept {
    if (capacity_ * sizeof(T) <= kept_bytes) return;
    std::free(data);
    data = nullptr;
    capacity_ = 0;
  }

 private:
  size_t capacity_ = 0;
};

/// An object or array whose end is still to come.
struct Container {
  /// Where its BSON starts, and the type byte of the element that holds it.
  size_t start;
  size_t type;
  /// The first of its keys among those of all open objects.
  size_t first_key;
  uint32_t count;
  uint8_t closer;
  Treatment treatment;
  /// Two of its keys may be the same.
  bool repeats;
  /// A bit for each value of the top byte of its keys' hashes. One met twice sets `repeats`, which is then made sure
  /// of.
  uint64_t seen[4];
};

/// An element of an open object. Its place is kept from the object's start, its end only when repeats are settled.
struct Key {
  uint32_t hash;
  uint32_t start;
  uint32_t end;
};

template <class T>
inline void put(uint8_t *at, T value) noexcept {
  std::memcpy(at, &value, sizeof value);
}

inline uint64_t load64(const uint8_t *at) noexcept {
  uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline bool is_blank(uint8_t c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_digit(uint8_t c) noexcept { return c >= '0' && c <= '9'; }

/// The first byte in [p, end) that is not blank, or `end`.
inline const uint8_t *after_blanks(const uint8_t *p, const uint8_t *end) noexcept {
  while (p < end && is_blank(*p)) ++p;
  return p;
}

inline const uint8_t *after_digits(const uint8_t *p, const uint8_t *end) noexcept {
  while (p < end && is_digit(*p)) ++p;
  return p;
}

/// A short hash of a key. Seven bytes after it must be readable.
inline uint32_t hash(const uint8_t *key, size_t length) noexcept {
  constexpr uint64_t factor = 0x9E3779B97F4A7C15;
  uint64_t state = length;
  for (; length >= 8; key += 8, length -= 8) {
    state = (state ^ load64(key)) * factor;
    state ^= state >> 32;
  }
  const uint64_t rest = load64(key) & ((uint64_t{1} << (8 * length)) - 1);
  return uint32_t(((state ^ rest) * factor) >> 32);
}

// MARK: Strings

/// Copies 16 bytes, and says at which of them stands the first backslash (16 or more: at none).
inline unsigned copy_block(const uint8_t *source, uint8_t *target) noexcept {
  using Block = uint8_t __attribute__((ext_vector_type(16)));
  using Lanes = bool __attribute__((ext_vector_type(16)));
  Block block;
  std::memcpy(&block, source, sizeof block);
  std::memcpy(target, &block, sizeof block);
  const Lanes found = __builtin_convertvector(block == '\\', Lanes);
  uint16_t bits;
  std::memcpy(&bits, &found, sizeof bits);
  return unsigned(__builtin_ctz(bits | 0x10000u));
}

/// The value of four hexadecimal digits, or -1. A quote is none, so that this never runs past its string.
inline int32_t hex4(const uint8_t *p) noexcept {
  int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const uint8_t c = p[i], letter = c | 0x20;
    if (is_digit(c)) value = value << 4 | (c - '0');
    else if (letter >= 'a' && letter <= 'f') value = value << 4 | (letter - 'a' + 10);
    else return -1;
  }
  return value;
}

inline uint8_t *put_utf8(uint8_t *at, uint32_t scalar) noexcept {
  if (scalar < 0x80) {
    *at++ = uint8_t(scalar);
  } else if (scalar < 0x800) {
    *at++ = uint8_t(0xC0 | scalar >> 6);
    *at++ = uint8_t(0x80 | (scalar & 0x3F));
  } else if (scalar < 0x10000) {
    *at++ = uint8_t(0xE0 | scalar >> 12);
    *at++ = uint8_t(0x80 | (scalar >> 6 & 0x3F));
    *at++ = uint8_t(0x80 | (scalar & 0x3F));
  } else {
    *at++ = uint8_t(0xF0 | scalar >> 18);
    *at++ = uint8_t(0x80 | (scalar >> 12 & 0x3F));
    *at++ = uint8_t(0x80 | (scalar >> 6 & 0x3F));
    *at++ = uint8_t(0x80 | (scalar & 0x3F));
  }
  return at;
}

/// The scalar of the `\u` escape at `p`, which is moved past it; -1 when it is none. A surrogate without its other
/// half is U+FFFD, and what follows it is read by itself.
inline int32_t read_unicode_escape(const uint8_t *&p) noexcept {
  constexpr int32_t replacement = 0xFFFD;
  const int32_t unit = hex4(p + 2);
  if (unit < 0) return -1;
  p += 6;
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit > 0xDBFF || p[0] != '\\' || p[1] != 'u') return replacement;
  const int32_t low = hex4(p + 2);
  if (low < 0xDC00 || low > 0xDFFF) return replacement;
  p += 6;
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/// Which of 64 bytes are `byte`.
inline uint64_t bits_of(uint8_t byte, const uint8_t *bytes) noexcept {
  using Block = uint8_t __attribute__((ext_vector_type(64)));
  using Lanes = bool __attribute__((ext_vector_type(64)));
  Block block;
  std::memcpy(&block, bytes, sizeof block);
  const Lanes found = __builtin_convertvector(block == byte, Lanes);
  uint64_t bits;
  std::memcpy(&bits, &found, sizeof bits);
  return bits;
}

/// Copies a string 64 bytes at a time as long as all that is escaped are quotes and slashes: of these nothing but the
/// backslash goes. JSON within a string is full of them, and one after another each would wait for the one before.
///
/// Moves both places past what it has copied. Reads up to 15 bytes past `end`, and writes as many past the copy.
inline void copy_blocks(const uint8_t *&p, const uint8_t *end, uint8_t *&target) noexcept {
  while (end - p >= 64) {
    uint64_t backslashes = bits_of('\\', p);
    // What the last byte escapes is not in the block: both are left to the next.
    const unsigned count = backslashes >> 63 ? 63 : 64;
    backslashes &= ~(uint64_t{1} << 63);
    if (backslashes << 1 & ~(bits_of('"', p) | bits_of('/', p))) return;
    unsigned from = 0;
    const auto copy = [&](unsigned to) noexcept {
      for (unsigned at = from; at < to; at += 16) std::memcpy(target + (at - from), p + at, 16);
      target += to - from;
    };
    for (; backslashes != 0; backslashes &= backslashes - 1) {
      const unsigned at = unsigned(__builtin_ctzll(backslashes));
      copy(at);
      from = at + 1;
    }
    copy(count);
    p += count;
  }
}

/// Copies what stands between a string's quotes, its escapes resolved, and returns the end of the copy. Of a bad
/// escape it returns null, and sets `fault` to its place. `holds_nul` is set for a key with U+0000 in it.
///
/// Reads up to 15 bytes past `end`, and writes as many past the result.
template <bool is_key>
inline uint8_t *copy_string(const uint8_t *p, const uint8_t *end, uint8_t *target, bool &holds_nul,
                            const uint8_t *&fault) noexcept {
  const uint8_t *next_blocks = p;
  for (;;) {
    // Not twice over one block that has to be copied escape by escape.
    if (!is_key && p >= next_blocks) {
      copy_blocks(p, end, target);
      next_blocks = p + 64;
    }
    unsigned plain;
    do {
      plain = copy_block(p, target);
      p += plain;
      target += plain;
      if (p >= end) return target - (p - end);
    } while (plain == 16);

    uint8_t c;
    switch (p[1]) {
      case '"': case '\\': case '/': c = p[1]; break;
      case 'n': c = '\n'; break;
      case 't': c = '\t'; break;
      case 'r': c = '\r'; break;
      case 'b': c = '\b'; break;
      case 'f': c = '\f'; break;
      case 'u': {
        fault = p;
        const int32_t scalar = read_unicode_escape(p);
        if (scalar < 0) return nullptr;
        if (is_key && scalar == 0) {
          holds_nul = true;
          *target++ = 0xC0;
          *target++ = 0x80;
        } else {
          target = put_utf8(target, uint32_t(scalar));
        }
        continue;
      }
      default:
        fault = p;
        return nullptr;
    }
    *target++ = c;
    p += 2;
  }
}

/// The closing quote of the string at `p`. The first stage saw to it that only blanks lie between it and the next
/// token, at `next`.
inline const uint8_t *closing_quote(const uint8_t *p, const uint8_t *next) noexcept {
  do --next;
  while (next > p && is_blank(*next));
  return next;
}

inline uint8_t *put_redacted(uint8_t *at) noexcept {
  put(at, int32_t(redacted.size() + 1));
  at += 4;
  std::memcpy(at, redacted.data(), redacted.size());
  at += redacted.size();
  *at++ = 0;
  return at;
}

// MARK: Numbers

/// Whether a number outside double's range is too far from zero (or else too near).
bool is_huge(const uint8_t *p, const uint8_t *end) noexcept {
  // The power of ten of its first digit that is not zero tells.
  int64_t power = 0, exponent = 0;
  bool fraction = false, significant = false, negative = false;
  for (p += *p == '-'; p < end && (*p | 0x20) != 'e'; ++p) {
    if (*p == '.') {
      fraction = true;
      continue;
    }
    significant |= *p != '0';
    power += significant ? !fraction : -int64_t(fraction);
  }
  for (; p < end; ++p) {
    if (*p == '-') negative = true;
    // The power is less than 2^32, so that an exponent past that decides.
    if (is_digit(*p)) exponent = std::min(10 * exponent + (*p - '0'), int64_t{1} << 32);
  }
  return power + (negative ? -exponent : exponent) > 0;
}

/// Writes the number in [p, end), with blanks at most after it.
inline BSONType put_number(const uint8_t *p, const uint8_t *end, uint8_t *&out, const uint8_t *&fault) noexcept {
  const uint8_t *const start = p;
  const bool negative = *p == '-';
  p += negative;

  const uint8_t *const digits = p;
  uint64_t magnitude = 0;  // Wraps past 19 digits, and is not used then.
  for (; p < end && is_digit(*p); ++p) magnitude = 10 * magnitude + (*p - '0');
  const size_t count = size_t(p - digits);
  if (count == 0 || (count > 1 && *digits == '0')) {
    fault = digits;
    return bson_none;
  }

  bool integer = true;
  if (p < end && *p == '.') {
    integer = false;
    const uint8_t *const fraction = p + 1;
    p = after_digits(fraction, end);
    if (p == fraction) {
      fault = p;
      return bson_none;
    }
  }
  if (p < end && (*p | 0x20) == 'e') {
    integer = false;
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    const uint8_t *const exponent = p;
    p = after_digits(exponent, end);
    if (p == exponent) {
      fault = p;
      return bson_none;
    }
  }
  fault = after_blanks(p, end);
  if (fault != end) return bson_none;

  if (integer && count <= 19 && magnitude <= uint64_t(std::numeric_limits<int64_t>::max()) + negative) {
    const int64_t value = int64_t(negative ? 0 - magnitude : magnitude);
    if (value == int32_t(value)) {
      put(out, int32_t(value));
      out += 4;
      return bson_int32;
    }
    put(out, value);
    out += 8;
    return bson_int64;
  }

  double value = 0;
  const auto read = std::from_chars(reinterpret_cast<const char *>(start), reinterpret_cast<const char *>(p), value);
  if (read.ec == std::errc::result_out_of_range) {
    value = is_huge(start, p) ? std::numeric_limits<double>::infinity() : 0;
    if (negative) value = -value;
  }
  put(out, value);
  out += 8;
  return bson_double;
}

// MARK: Values

inline bool is_literal(const uint8_t *p, const uint8_t *end, std::string_view name, const uint8_t *&fault) noexcept {
  fault = p;
  if (size_t(end - p) < name.size() || std::memcmp(p, name.data(), name.size()) != 0) return false;
  fault = after_blanks(p + name.size(), end);
  return fault == end;
}

/// Writes the scalar at `p`, after which the next token (or the text's end) is at `next`. Returns its type, or none
/// when it is invalid, and then sets `fault` to the place.
inline BSONType put_scalar(const uint8_t *p, const uint8_t *next, uint8_t *&out, const uint8_t *&fault) noexcept {
  fault = p;
  switch (p < next ? *p : 0) {
    case '"': {
      bool unused = false;
      uint8_t *const content = out + 4;
      uint8_t *const end = copy_string<false>(p + 1, closing_quote(p, next), content, unused, fault);
      if (!end) return bson_none;
      *end = 0;
      put(out, int32_t(end + 1 - content));
      out = end + 1;
      return bson_string;
    }
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
      return put_number(p, next, out, fault);
    case 't':
      *out = 1;
      if (!is_literal(p, next, "true", fault)) return bson_none;
      ++out;
      return bson_bool;
    case 'f':
      *out = 0;
      if (!is_literal(p, next, "false", fault)) return bson_none;
      ++out;
      return bson_bool;
    case 'n': return is_literal(p, next, "null", fault) ? bson_null : bson_none;
    default: return bson_none;
  }
}

mj_kind kind_of(BSONType type) noexcept {
  switch (type) {
    case bson_document: return mj_kind_object;
    case bson_array: return mj_kind_array;
    case bson_string: return mj_kind_string;
    case bson_bool: return mj_kind_boolean;
    case bson_null: return mj_kind_null;
    default: return mj_kind_number;
  }
}

/// Where a text is that simdjson's first stage refused, and the start of the token that holds that place.
struct Flaw {
  size_t offset;
  size_t token;
};

/// Finds what the first stage refuses without saying where: bytes that are no UTF-8, a control character in a string,
/// a string without end. A backslash outside strings, which it takes for an escape, is such a place too.
Flaw find_flaw(const uint8_t *text, size_t length) noexcept {
  bool in_string = false, escaped = false;
  size_t token = 0;
  for (size_t i = 0; i < length;) {
    const uint8_t c = text[i];
    if (!in_string) token = i;
    const size_t width = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    const char *const bytes = reinterpret_cast<const char *>(text + i);
    if (width > 1 && (width > length - i || !simdjson::validate_utf8(bytes, width))) return {i, token};
    if (in_string ? c < 0x20 : c == '\\') return {i, token};
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = c == '\\' && !escaped;
    i += width;
  }
  return {length, in_string ? token : length};
}

}  // namespace

// MARK: The reader

struct mj_reader {
  mj_result read(const uint8_t *text, size_t length, uint32_t max_depth, bool identity_only) noexcept;

 private:
  std::unique_ptr<simdjson::internal::dom_parser_implementation> first_stage;
  Buffer<uint8_t> out;
  Buffer<uint8_t> spare;
  Buffer<Container> open;
  Buffer<Key> keys;

  mj_status find_tokens(const uint8_t *text, size_t length) noexcept;
  mj_result convert(const uint8_t *text, size_t length, uint32_t max_depth, bool identity_only) noexcept;
  uint8_t *settle_repeats(uint8_t *object, uint8_t *end, Key *first, Key *last) noexcept;
};

mj_result mj_reader::read(const uint8_t *text, size_t length, uint32_t max_depth, bool identity_only) noexcept {
  out.trim();
  mj_result result{};
  if (length > max_length) {
    result.status = mj_status_too_large;
    return result;
  }

  const size_t mark = length >= 3 && std::memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  text += mark;
  length -= mark;

  result.status = find_tokens(text, length);
  if (result.status == mj_status_ok) {
    result = convert(text, length, max_depth, identity_only);
  } else if (result.status == mj_status_invalid) {
    // What stands before the refused token may be faulty too, and comes first.
    const Flaw flaw = find_flaw(text, length);
    result.offset = flaw.offset;
    if (find_tokens(text, flaw.token) == mj_status_ok) {
      result = convert(text, flaw.token, max_depth, identity_only);
      if (result.status == mj_status_ok) {
        result = mj_result{};
        result.status = mj_status_invalid;
        result.offset = flaw.token;
      } else if (result.offset >= flaw.token) {
        result.offset = flaw.offset;
      }
    }
  }
  result.offset += mark;

  if (first_stage && first_stage->capacity() * sizeof(uint32_t) > kept_bytes) first_stage.reset();
  spare.trim();
  open.trim();
  keys.trim();
  return result;
}

/// Runs simdjson's first stage: checks UTF-8 and strings' ends, and finds where tokens start.
mj_status mj_reader::find_tokens(const uint8_t *text, size_t length) noexcept {
  // Some room to grow, for texts come in all lengths.
  const size_t capacity = std::max(length + length / 2, size_t{1} << 16);
  if (!first_stage) {
    // Its second stage is not used, and needs no depth.
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, first_stage)) {
      first_stage.reset();
      return mj_status_out_of_memory;
    }
  } else if (first_stage->capacity() < length && first_stage->set_capacity(capacity)) {
    first_stage.reset();
    return mj_status_out_of_memory;
  }
  switch (first_stage->stage1(text, length, simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS: return mj_status_ok;
    case simdjson::MEMALLOC: return mj_status_out_of_memory;
    default: return mj_status_invalid;
  }
}

/// Checks the grammar over the tokens found, and writes the BSON.
mj_result mj_reader::convert(const uint8_t *text, size_t length, uint32_t max_depth, bool identity_only) noexcept {
  mj_result result{};
  const auto failed = [&](mj_status status, size_t offset) noexcept {
    result.status = status;
    result.offset = offset;
    return result;
  };

  // Where each token starts; `last` is the place of the text's length.
  const uint32_t *token = first_stage->structural_indexes.get();
  const size_t tokens = first_stage->n_structural_indexes;
  const uint32_t *const last = token + tokens;

  // All room is taken before, so that nothing need be checked on the way. What BSON adds to the text of a value and
  // its key is at most 20 bytes in an array (type, ten digits and a zero, a double), for which two tokens were met,
  // and 17 in an object (a redacted string), for which three were. The rest is for whole blocks at the end.
  if (!out.reserve(length + 10 * tokens + 64) || !keys.reserve(tokens / 2 + 1) ||
      !open.reserve(std::min(tokens, size_t{max_depth}))) {
    return failed(mj_status_out_of_memory, 0);
  }
  uint8_t *const base = out.data;
  uint8_t *end = base;
  size_t depth = 0, key_count = 0;

  // The next token's first byte, at the end of the text none. What follows the text may look like a token.
  const auto peek = [&]() noexcept -> uint8_t { return token < last ? text[*token] : 0; };

  BSONType root = bson_none;
  uint8_t *type = nullptr;  // Where the type of the next value goes, the root aside.
  Treatment treatment = identity_only ? Treatment::reduce : Treatment::convert;
  do {
    // A value, or the start of one.
    const uint8_t c = peek();
    BSONType met;
    if (treatment == Treatment::skip) {
      met = bson_null;
      int64_t inside = 0;
      do {
        if (token == last) return failed(mj_status_invalid, length);
        const uint8_t bracket = text[*token++];
        inside += (bracket == '{' || bracket == '[') - (bracket == '}' || bracket == ']');
      } while (inside > 0);
      if (inside < 0) return failed(mj_status_invalid, token[-1]);
    } else if (c == '{' || c == '[') {
      if (depth == max_depth) return failed(mj_status_too_deep, *token);
      ++token;
      met = c == '{' ? bson_document : bson_array;
      open.data[depth++] = Container{size_t(end - base), type ? size_t(type - base) : 0, key_count, 0,
                                     uint8_t(c == '{' ? '}' : ']'), treatment, false, {}};
      end += 4;
    } else {
      uint8_t *const start = end;
      const uint8_t *fault;
      met = put_scalar(text + *token, text + token[token < last], end, fault);
      if (met == bson_none) return failed(mj_status_invalid, size_t(fault - text));
      ++token;
      if (treatment == Treatment::redact) {
        std::memset(start, 0, size_t(end - start));
        end = put_redacted(start);
        met = bson_string;
      }
    }
    if (type) *type = met;
    else root = met;

    // The ends of the arrays and objects that it was the last value of.
    while (depth > 0 && peek() == open.data[depth - 1].closer) {
      ++token;
      const Container &closed = open.data[--depth];
      uint8_t *const start = base + closed.start;
      if (size_t(end + 1 - start) > max_length) return failed(mj_status_too_large, 0);
      if (closed.repeats) {
        end = settle_repeats(start, end, keys.data + closed.first_key, keys.data + key_count);
        if (!end) return failed(mj_status_out_of_memory, 0);
      }
      key_count = closed.first_key;
      *end++ = 0;
      put(start, int32_t(end - start));
      if (closed.treatment == Treatment::redact) {
        std::memset(start, 0, size_t(end - start));
        end = put_redacted(start);
        base[closed.type] = bson_string;
      }
    }
    if (depth == 0) break;

    // What stands before the next value.
    Container &parent = open.data[depth - 1];
    if (parent.count > 0) {
      if (peek() != ',') return failed(mj_status_invalid, *token);
      ++token;
    }
    type = end++;
    treatment = parent.treatment == Treatment::reduce ? Treatment::skip : Treatment::convert;
    if (parent.closer == ']') {
      char *const index = reinterpret_cast<char *>(end);
      end = reinterpret_cast<uint8_t *>(std::to_chars(index, index + 10, parent.count).ptr);
    } else {
      if (peek() != '"') return failed(mj_status_invalid, *token);
      uint8_t *const start = end;
      const uint8_t *const quote = text + *token, *fault;
      end = copy_string<true>(quote + 1, closing_quote(quote, text + token[1]), start, result.nul_keys, fault);
      if (!end) return failed(mj_status_invalid, size_t(fault - text));
      ++token;
      if (peek() != ':') return failed(mj_status_invalid, *token);
      ++token;

      const std::string_view key(reinterpret_cast<const char *>(start), size_t(end - start));
      if (treatment == Treatment::skip) {
        if (key == "user_id" || key == "tldr-user") {
          treatment = Treatment::convert;
        } else if (depth == 1 && key == "data" && peek() == '{') {
          treatment = Treatment::reduce;
        }
      } else if (key == "tldr-access-token" || key == "tldr-refresh-token") {
        treatment = Treatment::redact;
      }

      const uint32_t hashed = hash(start, key.size());
      uint64_t &bits = parent.seen[hashed >> 30];
      const uint64_t bit = uint64_t{1} << (hashed >> 24 & 63);
      parent.repeats |= (bits & bit) != 0;
      bits |= bit;
      keys.data[key_count++] = Key{hashed, uint32_t(type - base - parent.start), 0};
    }
    *end++ = 0;
    ++parent.count;
  } while (true);

  if (token != last) return failed(mj_status_invalid, *token);
  result.kind = kind_of(root);
  if (result.kind == mj_kind_object || result.kind == mj_kind_array) {
    result.bson = base;
    result.bson_length = size_t(end - base);
  }
  return result;
}

/// Gives the last value of each repeated key the place of the first, and returns the new end of the object's elements;
/// null where memory is short.
uint8_t *mj_reader::settle_repeats(uint8_t *object, uint8_t *end, Key *first, Key *last) noexcept {
  // Of so few keys two that have the same top byte are common, and two that are the same are not.
  if (last - first <= 32) {
    bool repeats = false;
    for (const Key *key = first; key < last; ++key) {
      for (const Key *other = first; other < key; ++other) repeats |= other->hash == key->hash;
    }
    if (!repeats) return end;
  }
  for (Key *key = first; key < last; ++key) key->end = key + 1 < last ? key[1].start : uint32_t(end - object);

  // Sorted, repeated keys lie side by side, the first of them first.
  const auto name = [&](const Key &key) noexcept { return reinterpret_cast<const char *>(object + key.start + 1); };
  std::sort(first, last, [&](const Key &a, const Key &b) noexcept {
    if (a.hash != b.hash) return a.hash < b.hash;
    const int order = std::strcmp(name(a), name(b));
    return order != 0 ? order < 0 : a.start < b.start;
  });

  // What is left of them: the elements to keep, and in `hash` their new places.
  Key *kept = first;
  for (const Key *key = first; key < last;) {
    const uint32_t place = key->start;
    const Key *next = key + 1;
    while (next < last && next->hash == key->hash && std::strcmp(name(*next), name(*key)) == 0) ++next;
    *kept++ = Key{place, next[-1].start, next[-1].end};
    key = next;
  }
  if (kept == last) return end;

  std::sort(first, kept, [](const Key &a, const Key &b) noexcept { return a.hash < b.hash; });
  if (!spare.reserve(size_t(end - object))) return nullptr;
  uint8_t *copy = spare.data;
  for (const Key *key = first; key < kept; ++key) {
    std::memcpy(copy, object + key->start, key->end - key->start);
    copy += key->end - key->start;
  }
  const size_t length = size_t(copy - spare.data);
  std::memcpy(object + 4, spare.data, length);
  return object + 4 + length;
}

mj_reader *mj_reader_new(void) { return new (std::nothrow) mj_reader; }

void mj_reader_free(mj_reader *reader) { delete reader; }

mj_result mj_read(mj_reader *reader, const uint8_t *json, size_t length, uint32_t max_depth, bool identity_only) {
  return reader->read(json, length, max_depth, identity_only);
}
