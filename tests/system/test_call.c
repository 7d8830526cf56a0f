/* SPDX-License-Identifier: MIT */
/*
 * pwritev2 with RWF_WRITETHROUGH, on a kernel that has never heard of it: what the kernel's patches
 * describe, on more file systems. A program writes once with the flag and asks the kernel at once
 * (tests/prog/coverage.c). Without libwt the flag is refused, and a write without it stays dirty.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "../../include/wt.h"

#define LEN (64 << 10)
#define NO_RULE "*/no-such-file=sync"
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#define RWF_NOSIGNAL_ 0x100
#define RWF_UNKNOWN 0x40000000

static void write_once(struct bed_run *run, const struct bed *bed, const char *rules, int flags)
{
	const char *path = bed_path(bed, "call");
	char file[300], words[32], len[32];
	struct bed_program program = {
		.rules = rules,
		.env = { "WT_LOG=error" },
		.argv = { "coverage", file, "symbol=pwritev2", "offset=4096", len, words,
			  flags & RWF_APPEND ? "place=flag" : "place=over" },
	};
	struct bed_disk_words disk;

	snprintf(file, sizeof(file), "file=%s", path);
	snprintf(len, sizeof(len), "len=%d", LEN);
	snprintf(words, sizeof(words), "flags=%#x", flags);
	bed_tell_disk(bed, &program, 7, &disk);
	bed_prepare(path, 4 * LEN, BED_ALLOCATED);
	bed_run(run, &program);
	cr_expect_eq(run->status, 0, "%s, flags %#x: ended with %d: %s", bed->name, flags,
		     run->status, run->out);
}

static void expect_through(const struct bed *bed, const char *rules, int flags)
{
	struct bed_run run;

	write_once(&run, bed, rules, flags);
	cr_expect_eq(bed_fact(&run, "ret"), LEN, "%s, %s, flags %#x: %s", bed->name, rules, flags,
		     run.out);
	cr_expect_eq(bed_fact(&run, "dirty") + bed_fact(&run, "writeback"), 0,
		     "%s, %s, flags %#x: not written: %s", bed->name, rules, flags, run.out);
	cr_expect_eq(bed_fact(&run, "cached"), bed_fact(&run, "pages"),
		     "%s, %s, flags %#x: not cached: %s", bed->name, rules, flags, run.out);
	cr_expect_geq(bed_fact(&run, "written"), LEN, "%s, %s, flags %#x: not on the device: %s",
		      bed->name, rules, flags, run.out);
	if (bed->shows_device)
		cr_expect_eq(bed_fact(&run, "device"), 1, "%s, %s, flags %#x: other bytes: %s",
			     bed->name, rules, flags, run.out);
}

static void expect_error(const struct bed *bed, const char *rules, int flags, int err)
{
	struct bed_run run;

	write_once(&run, bed, rules, flags);
	cr_expect(bed_fact(&run, "ret") == -1 && bed_fact(&run, "err") == err,
		  "%s, %s, flags %#x: expected %s: %s", bed->name, rules ? rules : "no libwt",
		  flags, strerror(err), run.out);
}

Test(call, the_flag_writes_through_without_a_rule)
{
	BED_EACH(bed) {
		struct bed_run run;

		if (!bed->has_disk)
			continue;
		expect_through(bed, NO_RULE, RWF_WRITETHROUGH);
		write_once(&run, bed, NO_RULE, 0);
		cr_expect_gt(bed_fact(&run, "dirty"), 0, "%s: without the flag: %s", bed->name,
			     run.out);
	}
}

Test(call, the_flag_writes_through_without_any_policy)
{
	BED_EACH(bed)
		if (bed->has_disk)
			expect_through(bed, "", RWF_WRITETHROUGH);
}

Test(call, without_libwt_the_kernel_refuses_it)
{
	expect_error(bed_need("EXT4"), NULL, RWF_WRITETHROUGH, EOPNOTSUPP);
}

/* Raised where the rule is weaker, the rule's where that is stronger. */
Test(call, the_stronger_of_flag_and_rule_holds)
{
	static const char *const rules[] = { "call=off", "call=async", "call=through", "call=dsync",
					     "call=sync" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		expect_through(bed_need("EXT4"), rules[i], RWF_WRITETHROUGH);
}

/* Of each flag the line in the kernel's patches, or the kernel's own function, that says so. */
static const struct {
	const char *source;
	int flags;
	int err; /* 0: written through */
} combinations[] = {
	{ "RFC 1/3, include/linux/fs.h, kiocb_set_rw_flags", 0, 0 },
	{ "RFC v2 5/5, iomap_writethrough_complete", RWF_DSYNC, 0 },
	{ "RFC v2 5/5, generic_write_sync", RWF_SYNC, 0 },
	{ "the same", RWF_SYNC | RWF_DSYNC, 0 },
	{ "kiocb_set_rw_flags", RWF_APPEND, 0 },
	{ "kiocb_set_rw_flags", RWF_NOAPPEND, 0 },
	{ "kiocb_set_rw_flags: both", RWF_APPEND | RWF_NOAPPEND, EINVAL },
	{ "kiocb_set_rw_flags", RWF_HIPRI, 0 },
	{ "kiocb_set_rw_flags", RWF_NOSIGNAL_, 0 },
	{ "RFC 1/3, iomap_file_writethrough_write", RWF_NOWAIT, EINVAL },
	{ "RFC 1/3, iomap_file_writethrough_write", RWF_DONTCACHE, EINVAL },
	{ "kiocb_set_rw_flags, RWF_SUPPORTED", RWF_UNKNOWN, EOPNOTSUPP },
};

static void try_combinations(const char *bed_name, const char *rules)
{
	const struct bed *bed = bed_need(bed_name);

	for (size_t i = 0; i < sizeof(combinations) / sizeof(*combinations); i++) {
		int flags = RWF_WRITETHROUGH | combinations[i].flags;

		if (combinations[i].err)
			expect_error(bed, rules, flags, combinations[i].err);
		else
			expect_through(bed, rules, flags);
	}
}

Test(call, flags_answer_as_the_patches_say_on_ext4)
{
	try_combinations("EXT4", NO_RULE);
}

Test(call, flags_answer_as_the_patches_say_on_xfs)
{
	try_combinations("XFS", NO_RULE);
}

Test(call, flags_answer_as_the_patches_say_under_a_rule)
{
	try_combinations("EXT4", "call=through");
	try_combinations("EXT4", "call=dsync");
}

Test(call, where_nothing_can_be_written_through_it_is_refused)
{
	expect_error(bed_need("TMPFS"), NO_RULE, RWF_WRITETHROUGH, EOPNOTSUPP);
	expect_error(bed_need("TMPFS"), NO_RULE, RWF_WRITETHROUGH | RWF_NOWAIT, EOPNOTSUPP);
	expect_error(bed_need("TMPFS"), "call=dsync", RWF_WRITETHROUGH, EOPNOTSUPP);
}

static void submit_once(struct bed_run *run, const char *how, const char *rules, int flags)
{
	const char *path = bed_path(bed_need("EXT4"), "call");
	char words[32];

	snprintf(words, sizeof(words), "%#x", flags);
	bed_prepare(path, 4 * LEN, BED_ALLOCATED);
	bed_run(run, &(struct bed_program){
			     .rules = rules,
			     .env = { "WT_LOG=error" },
			     .argv = { "submitted", how, path, words },
		     });
}

static void expect_submitted_through(const char *how, const char *rules, int flags)
{
	struct bed_run run;

	submit_once(&run, how, rules, flags);
	cr_expect_eq(bed_fact(&run, "result"), LEN, "%s, %s, flags %#x: %s", how, rules, flags,
		     run.out);
	cr_expect_eq(bed_fact(&run, "dirty") + bed_fact(&run, "writeback"), 0,
		     "%s, %s, flags %#x: not written: %s", how, rules, flags, run.out);
}

static void expect_submission_refused(const char *how, const char *rules, int flags)
{
	struct bed_run run;

	submit_once(&run, how, rules, flags);
	cr_expect(bed_fact(&run, "result") == -EOPNOTSUPP ||
			  bed_fact(&run, "submitted") == -EOPNOTSUPP,
		  "%s, flags %#x: not refused: %s", how, flags, run.out);
}

Test(call, requests_of_liburing_are_written_through)
{
	if (!bed_has("io_uring"))
		cr_skip_test("this machine: no io_uring");
	expect_submitted_through("uring", "", RWF_WRITETHROUGH);
	expect_submitted_through("uring", NO_RULE, RWF_WRITETHROUGH);
	expect_submitted_through("uring", NO_RULE, RWF_WRITETHROUGH | RWF_DSYNC);
	expect_submitted_through("uring", "call=dsync", RWF_WRITETHROUGH);
	expect_submission_refused("uring", NO_RULE, RWF_WRITETHROUGH | RWF_NOWAIT);
	expect_submission_refused("uring", NULL, RWF_WRITETHROUGH);
}

Test(call, requests_of_libaio_are_written_through_and_keep_their_flags)
{
	struct bed_run run;

	expect_submitted_through("aio", NO_RULE, RWF_WRITETHROUGH);
	expect_submitted_through("aio", NO_RULE, RWF_WRITETHROUGH | RWF_SYNC);
	expect_submitted_through("aio", "call=through", RWF_WRITETHROUGH);
	submit_once(&run, "aio", NO_RULE, RWF_WRITETHROUGH);
	cr_expect_eq(bed_fact(&run, "flags_kept"), 1, "%s", run.out);
	expect_submission_refused("aio", NO_RULE, RWF_WRITETHROUGH | RWF_NOWAIT);
	expect_submission_refused("aio", NULL, RWF_WRITETHROUGH);
}

Test(call, submitted_without_the_flag_it_stays_dirty)
{
	struct bed_run run;

	submit_once(&run, "aio", NO_RULE, 0);
	cr_expect_gt(bed_fact(&run, "dirty"), 0, "%s", run.out);
}
