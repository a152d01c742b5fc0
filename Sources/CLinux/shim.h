#pragma once
#include <linux/falloc.h>
#include <sys/types.h>

// The C library has it, and shows it to those alone who ask for GNU's extensions, which Swift does not do.
int fallocate(int file, int mode, off_t offset, off_t length);
