/* SPDX-License-Identifier: MIT */
/*
 * policy - parses the rules, and says which of them decides for a file.
 *
 * Pure: no system call, no allocation, no global. The caller owns the text and the array of rules;
 * a parsed rule points into the text, which must outlive it. A parsed policy is never changed, so
 * any thread and any signal handler may match against it without a lock.
 *
 * It does not read the environment or files (state/config.c does), and it does not know what a file
 * system can do (engine/ladder.c does).
 */
#ifndef WT_POLICY_H
#define WT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wt_level { WT_LEVEL_OFF, WT_LEVEL_ASYNC, WT_LEVEL_THROUGH, WT_LEVEL_DSYNC, WT_LEVEL_SYNC };

/* A rule cannot name WT_ENGINE_NONE: with it, a write goes to the kernel as the program made it. */
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
	const char *pattern; /* pattern_len bytes, not terminated */
	size_t pattern_len;
	bool whole_path; /* the pattern has a '/', so it is matched against the whole path */
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

	/* Behind those: what a write follows that asks for a level itself; no file matches them. */
	size_t called_len;
};

/* Where parsing stopped, and what was expected there. The strings are constants. */
struct wt_policy_error {
	size_t rule;	   /* counted from 1; in a file, the line */
	size_t column;	   /* byte of that rule or line, counted from 1 */
	const char *given; /* points into the text; given_len bytes */
	size_t given_len;
	const char *expected;
};

enum wt_policy_form {
	WT_POLICY_LIST, /* rules separated by ';' */
	WT_POLICY_LINES /* one rule a line, '#' starts a comment line */
};

/* An upper bound of the rules in `len` bytes of text, to size the array. */
size_t wt_policy_count(const char *text, size_t len, enum wt_policy_form form);

/*
 * Parses `text` and appends its rules to `policy`. Returns 0, or -EINVAL with `error` filled in and
 * `policy` unchanged.
 */
int wt_policy_parse(struct wt_policy *policy, const char *text, size_t len,
		    enum wt_policy_form form, struct wt_policy_error *error);

/*
 * The first rule whose pattern matches the absolute path, or NULL. A pattern without '/' is matched
 * against the path's last component.
 */
const struct wt_rule *wt_policy_match(const struct wt_policy *policy, const char *path);

/*
 * Writes the rule in its canonical form with all options spelled out. Returns the length as
 * snprintf(3) does.
 */
size_t wt_rule_format(const struct wt_rule *rule, char *buf, size_t size);

/*
 * Writes one line for people: which rule or line, which column, what stood there (shortened if
 * long) and what was expected. Returns its length; 512 bytes are enough.
 */
size_t wt_policy_error_format(const struct wt_policy_error *error, enum wt_policy_form form,
			      char *buf, size_t size);

const char *wt_level_name(enum wt_level level);
const char *wt_engine_name(enum wt_engine_id engine);

#endif
