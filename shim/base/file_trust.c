/* SPDX-License-Identifier: MIT */
#include "base/file_trust.h"

#include <string.h>
#include <strings.h>

#include "base/base.h"

/*
 * As !strcmp(3) and !strcasecmp(3), which a sanitizer's runtime interposes. libwt starts first, and
 * that runtime is not initialized by then.
 */
static bool is_same(const char *one, const char *other)
{
	while (*one && *one == *other)
		one++, other++;
	return *one == *other;
}

static bool is_same_in_any_case(const char *one, const char *lower)
{
	while (*lower &&
	       (*one == *lower || ('A' <= *one && *one <= 'Z' && *one + ('a' - 'A') == *lower)))
		one++, lower++;
	return *one == *lower;
}

#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

static void add_mode(struct wt_text *text, mode_t mode)
{
	for (int shift = 9; shift >= 0; shift -= 3)
		wt_text_u64(text, mode >> shift & 7);
}

/* A character device (a terminal) passes: it has no content that somebody could have left there. */
void wt_file_trust_rules(const struct stat *st, uid_t uid, struct wt_text *fault)
{
	if (uid || S_ISCHR(st->st_mode))
		return;
	if (st->st_uid) {
		wt_text_str(fault, "it belongs to user ");
		wt_text_u64(fault, st->st_uid);
		wt_text_str(fault, "; for root, expected a file of root's (chown root)");
	} else if (st->st_mode & OTHERS_WRITE) {
		wt_text_str(fault, "its mode is ");
		add_mode(fault, st->st_mode);
		wt_text_str(fault, ", so others can write it; for root, expected ");
		add_mode(fault, st->st_mode & ~OTHERS_WRITE);
		wt_text_str(fault, " (chmod go-w)");
	}
}

void wt_file_trust_output(const struct stat *st, uid_t uid, struct wt_text *fault)
{
	if (S_ISCHR(st->st_mode))
		return;
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode)) {
		wt_text_str(fault,
			    "it is neither file nor FIFO nor terminal; expected one of them");
	} else if (st->st_uid != uid) {
		wt_text_str(fault, "it belongs to user ");
		wt_text_u64(fault, st->st_uid);
		wt_text_str(fault, "; expected a new file, or one of user ");
		wt_text_u64(fault, uid);
	} else if (S_ISREG(st->st_mode) && st->st_nlink > 1) {
		wt_text_str(fault, "it has ");
		wt_text_u64(fault, st->st_nlink);
		wt_text_str(fault,
			    " names (hard links); expected a new file, or one with one name");
	}
}

void wt_file_trust_output_name(const char *where, struct wt_text *fault)
{
	static const char *const standard_output[] = { "-", "stdout", "/dev/stdout", "/dev/fd/1",
						       "/proc/self/fd/1" };

	for (size_t i = 0; i < WT_LENGTH(standard_output); i++) {
		if (is_same_in_any_case(where, standard_output[i]))
			wt_text_str(fault, "standard output belongs to the program's data; "
					   "expected stderr, or a path (./NAME for such a name)");
	}
}

bool wt_file_trust_is_stderr(const char *where)
{
	return is_same_in_any_case(where, "stderr") || is_same(where, "/dev/stderr");
}
