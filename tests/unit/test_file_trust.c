/* SPDX-License-Identifier: MIT */
/* Which open files may give rules to whom, and take whose log: every owner, mode and kind. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file_trust.h"

enum { ROOT, USER = 1000 };

static char words[WT_FILE_TRUST_FAULT_BYTES + 1];

/* What is said of a file with one name; "" where nothing is. */
static const char *said(void (*judge)(const struct stat *, uid_t, struct wt_text *), mode_t mode,
			uid_t owner, uid_t uid)
{
	const struct stat st = { .st_mode = mode, .st_uid = owner, .st_nlink = 1 };
	struct wt_text fault = { .buf = words, .size = WT_FILE_TRUST_FAULT_BYTES };

	judge(&st, uid, &fault);
	cr_assert_not(fault.cut);
	words[fault.len] = '\0';
	return words;
}

Test(trust, rules_of_root_are_written_by_root_alone)
{
	for (mode_t mode = 0; mode <= 07777; mode++) {
		bool fine = !(mode & 022);

		cr_expect_eq(!*said(wt_file_trust_rules, S_IFREG | mode, ROOT, ROOT), fine,
			     "%o: %s", mode, words);
		cr_expect(*said(wt_file_trust_rules, S_IFREG | mode, USER, ROOT), "%o", mode);
	}
}

Test(trust, rules_of_a_user_are_the_user_s_own_affair)
{
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFREG | 0666, ROOT, USER), "");
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFREG | 0666, USER + 1, USER), "");
}

Test(trust, rules_from_a_pipe_are_judged_and_from_a_terminal_not)
{
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFIFO | 0600, ROOT, ROOT), "");
	cr_expect(*said(wt_file_trust_rules, S_IFIFO | 0602, ROOT, ROOT));
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFCHR | 0620, USER, ROOT), "");
}

Test(trust, fault_of_rules_says_what_is_and_what_mends_it)
{
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFREG | 0664, ROOT, ROOT),
			 "its mode is 0664, so others can write it; for root, expected 0644 "
			 "(chmod go-w)");
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFREG | 04722, ROOT, ROOT),
			 "its mode is 4722, so others can write it; for root, expected 4700 "
			 "(chmod go-w)");
	cr_expect_str_eq(said(wt_file_trust_rules, S_IFREG | 0644, USER, ROOT),
			 "it belongs to user 1000; for root, expected a file of root's "
			 "(chown root)");
}

Test(trust, output_goes_to_files_of_one_s_own)
{
	cr_expect_str_eq(said(wt_file_trust_output, S_IFREG | 0600, USER, USER), "");
	cr_expect_str_eq(said(wt_file_trust_output, S_IFREG | 0666, ROOT, ROOT), "");
	cr_expect_str_eq(said(wt_file_trust_output, S_IFREG | 0666, USER, ROOT),
			 "it belongs to user 1000; expected a new file, or one of user 0");
	cr_expect(*said(wt_file_trust_output, S_IFREG | 0666, ROOT, USER));
	cr_expect(*said(wt_file_trust_output, S_IFREG | 0666, USER, USER + 1));
}

Test(trust, output_goes_to_fifos_and_terminals_and_no_disk)
{
	cr_expect_str_eq(said(wt_file_trust_output, S_IFIFO | 0600, USER, USER), "");
	cr_expect(*said(wt_file_trust_output, S_IFIFO | 0622, USER, ROOT));
	cr_expect_str_eq(said(wt_file_trust_output, S_IFCHR | 0620, USER, ROOT), "");
	cr_expect_str_eq(said(wt_file_trust_output, S_IFCHR | 0666, ROOT, USER), "");
	cr_expect(strstr(said(wt_file_trust_output, S_IFBLK | 0660, ROOT, ROOT), "expected"));
	cr_expect(*said(wt_file_trust_output, S_IFSOCK | 0666, ROOT, ROOT));
}

Test(trust, output_goes_to_no_file_with_a_second_name)
{
	const struct stat st = { .st_mode = S_IFREG | 0600, .st_uid = USER, .st_nlink = 2 };
	struct wt_text fault = { .buf = words, .size = WT_FILE_TRUST_FAULT_BYTES };

	wt_file_trust_output(&st, USER, &fault);
	words[fault.len] = '\0';
	cr_expect_str_eq(words, "it has 2 names (hard links); expected a new file, or one with "
				"one name");
}

Test(trust, the_longest_fault_fits)
{
	const struct stat links = { .st_mode = S_IFREG, .st_uid = -2, .st_nlink = -1 };
	struct wt_text fault = { .buf = words, .size = WT_FILE_TRUST_FAULT_BYTES };

	said(wt_file_trust_rules, S_IFREG | 07777, ROOT, ROOT);
	said(wt_file_trust_rules, S_IFREG, -2, ROOT);
	said(wt_file_trust_output, S_IFREG, -2, -3);
	wt_file_trust_output(&links, -2, &fault);
	cr_expect_not(fault.cut);
}
