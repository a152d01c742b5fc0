#pragma once
#include <zlib.h>

// Swift does not see this name, for it is a macro. Of gzip alone, with the largest window.
static inline int inflate_begin_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
