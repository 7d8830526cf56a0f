/* SPDX-License-Identifier: MIT */
/*
 * policy - rules as text, and which of them decides for a file.
 *
 * Pure: no system call, no allocation, no global. The caller owns the text and
 * the array of rules; a parsed rule points into the text, which must outlive
 * it. A parsed policy is never changed, so any thread and any signal handler
 * may match against it without a lock.
 *
 * It does not read the environment or files (init.c does), and it does not
 * know what a file system can do (choose.c does).
 */
#ifndef WT_POLICY_H
#define WT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wt_level { WT_LEVEL_OFF, WT_LEVEL_ASYNC, WT_LEVEL_THROUGH, WT_LEVEL_DSYNC, WT_LEVEL_SYNC };

/* WT_ENGINE_NONE is no engine a rule can name: the write goes to the kernel as it came. */
enum wt_engine_id {
	WT_ENGINE_AUTO,
	WT_ENGINE_NONE,
	WT_ENGINE_WRITEBACK,
	WT_ENGINE_DSYNC,
	WT_ENGINE_DIRECT,
	WT_ENGINES
};

#define WT_WINDOW_DEFAULT (8ULL << 20)

struct wt_rule {
	const char *pattern; /* not terminated: pattern_len bytes */
	size_t pattern_len;
	bool whole_path; /* the pattern holds a '/' */
	enum wt_level level;
	enum wt_engine_id engine;
	bool cache_drop;
	bool fsync_elide;      /* dsync and sync only */
	uint64_t window_bytes; /* async only: 64 KiB .. 1 GiB */
};

struct wt_policy {
	struct wt_rule *rules; /* owned by the caller */
	size_t rules_max;
	size_t rules_len;
};

/* Where parsing stopped and what would have been right there. Strings are constants. */
struct wt_policy_error {
	size_t rule;	   /* counted from 1; in a file, the line */
	size_t column;	   /* byte of that rule or line, counted from 1 */
	const char *given; /* into the text, given_len bytes */
	size_t given_len;
	const char *expected;
};

enum wt_policy_form {
	WT_POLICY_LIST, /* rules separated by ';' */
	WT_POLICY_LINES /* one rule a line, '#' starts a comment line */
};

/* The most rules that `len` bytes of text can hold, to size the array. */
size_t wt_policy_count(const char *text, size_t len, enum wt_policy_form form);

/*
 * Parses `text` and appends its rules to `policy`. 0, or -EINVAL with `error`
 * filled and the policy as it was.
 */
int wt_policy_parse(struct wt_policy *policy, const char *text, size_t len,
		    enum wt_policy_form form, struct wt_policy_error *error);

/* The first rule that matches the absolute path, or NULL. */
const struct wt_rule *wt_policy_match(const struct wt_policy *policy, const char *path);

/* Writes the rule in its normal form, options spelt out; the length as snprintf(3) counts. */
size_t wt_rule_format(const struct wt_rule *rule, char *buf, size_t size);

/*
 * One line for people: which rule or line and column, what stood there (cut
 * where it is long) and what was expected. Its length; 512 bytes hold it.
 */
size_t wt_policy_error_format(const struct wt_policy_error *error, enum wt_policy_form form,
			      char *buf, size_t size);

const char *wt_level_name(enum wt_level level);
const char *wt_engine_name(enum wt_engine_id engine);

#endif
