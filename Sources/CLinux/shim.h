#pragma once
#include <linux/falloc.h>

// The C library has these, and shows them to those alone who ask for GNU's extensions, which Swift does not do. No
// header is included for `off_t`, a long on all 64-bit machines: types of the C library's own module would be this
// one's as well.
int fallocate(int file, int mode, long offset, long length);
int syncfs(int file);
