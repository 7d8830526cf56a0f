/* SPDX-License-Identifier: MIT */
/*
 * form - the two forms of a report.
 *
 * Pure but for the counters of stats.h, which they read. They only fill `out`; out->cut says that
 * the buffer was too small.
 */
#ifndef WT_REPORT_FORM_H
#define WT_REPORT_FORM_H

#include "base/policy.h"
#include "base/text.h"

/* `exe` may be NULL. */
void wt_report_json(struct wt_text *out, const struct wt_policy *policy, const char *exe);
void wt_report_text(struct wt_text *out, const struct wt_policy *policy);

#endif
