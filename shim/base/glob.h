/* SPDX-License-Identifier: MIT */
/*
 * glob - matches as fnmatch(3) does with flags 0 in the C locale, byte by byte.
 *
 * fnmatch itself is not used, because it may allocate, and because the meaning of [a-z] would
 * depend on the program's locale. Pure and without state, so safe in a signal handler. The time is
 * at most proportional to the product of both lengths.
 *
 * `*`, `?` and brackets match a '/' and a leading '.' like any other byte. Where POSIX leaves the
 * meaning of a pattern undefined, as for brackets that do not end, the pattern has a fault and
 * matches nothing.
 */
#ifndef WT_GLOB_H
#define WT_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool wt_glob_match(const char *pattern, size_t pattern_len, const char *string);

/*
 * NULL for a well-formed pattern. Otherwise the text of what was expected (a constant); *offset is
 * the byte of the pattern where it was expected.
 */
const char *wt_glob_fault(const char *pattern, size_t pattern_len, size_t *offset);

#endif
