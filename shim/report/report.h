/* SPDX-License-Identifier: MIT */
/*
 * report - writes the report of one process, for people or for programs.
 *
 * The report is built in a mapping of its own and appended by one call, so that processes that
 * share a report file do not mix their texts. A path that ends in ".json" gets one JSON object on
 * one line, any other path text. No lock.
 *
 * A forked child that counted nothing writes no report.
 */
#ifndef WT_REPORT_H
#define WT_REPORT_H

#include "base/policy.h"

/*
 * Checks at the start whether the report can be written at the end, and logs one line if not: the
 * path does not expand, or its directory is missing or not writable. Returns 0 or -errno.
 */
int wt_report_check(const char *where);

/*
 * Writes the report of this process to `where` ("stderr", or a path with %p and %e), once: a second
 * call does nothing. A file is created with mode 0600 and never opened through a symbolic link. An
 * error is logged, unless wt_report_check has logged one before.
 */
void wt_report_write(const char *where, const struct wt_policy *policy);

#endif
