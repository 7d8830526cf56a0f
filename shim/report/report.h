/* SPDX-License-Identifier: MIT */
/*
 * report - what one process wrote through, for people or for programs.
 *
 * Built in a mapping of its own and written with one call, appended, so that
 * processes that share a report file do not tear one another's text. A path
 * that ends in ".json" gets one JSON object on one line, anything else text.
 *
 * A forked child in which nothing was counted has nothing to report and does not.
 */
#ifndef WT_REPORT_H
#define WT_REPORT_H

#include "base/policy.h"

/*
 * Says now, in one log line, where a report could not be written at the end:
 * a path that does not expand, a directory that is missing or not writable.
 * 0 or -errno.
 */
int wt_report_check(const char *where);

/*
 * Writes the report of this process to `where` ("stderr" or a path with %p, %e),
 * once: a second call does nothing. A file is created mode 0600 and never
 * through a symbolic link. What goes wrong is logged, unless wt_report_check
 * has said it already.
 */
void wt_report_write(const char *where, const struct wt_policy *policy);

#endif
