/* SPDX-License-Identifier: MIT */
/*
 * glob - fnmatch(3) with flags 0 in the C locale, byte by byte.
 *
 * Not fnmatch itself: that may allocate, and what [a-z] means there depends on
 * the locale of the program around us. Pure, no state: callable from a signal
 * handler. The time is at most the product of both lengths.
 *
 * `*`, `?` and brackets match a '/' and a leading '.' like any other byte.
 * Where POSIX leaves the meaning of a pattern undefined, as for brackets that
 * do not end, the pattern has a fault and matches nothing.
 */
#ifndef WT_GLOB_H
#define WT_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool wt_glob_match(const char *pattern, size_t pattern_len, const char *string);

/*
 * NULL for a good pattern. Otherwise what was expected, a constant, and in
 * *offset the byte of the pattern where.
 */
const char *wt_glob_fault(const char *pattern, size_t pattern_len, size_t *offset);

#endif
