/* SPDX-License-Identifier: MIT */
/*
 * form - the two forms of a report, JSON and text.
 *
 * They read the counters of stats.h and append to `out`; out->cut says that its buffer was too
 * small. No other effect.
 */
#ifndef WT_REPORT_FORM_H
#define WT_REPORT_FORM_H

#include "base/policy.h"
#include "base/text.h"

/* `exe` may be NULL. */
void wt_report_json(struct wt_text *out, const struct wt_policy *policy, const char *exe);
void wt_report_text(struct wt_text *out, const struct wt_policy *policy);

#endif
