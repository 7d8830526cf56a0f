/* SPDX-License-Identifier: MIT */
/*
 * Every call of the library's table, and of the program's own writes, fails with each errno or
 * moves half its bytes, at each position or always, under every rule and way to write. Each case is
 * a process of its own: a file is opened, written three times, and after each write that returned
 * bytes they are in the file, the ledger says that they are as strong as the rule wants, and the
 * offset is right; after each that failed, the offset is where it was. With WT_SOAK=1 all of them,
 * else a part.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/probe.h"
#include "base/base.h"
#include "core/resolve.h"
#include "core/write.h"
#include "report/report.h"
#include "report/stats.h"
#include "scratch.h"
#include "state/config.h"
#include "state/description.h"
#include "state/dio_exclusion.h"
#include "test_fault.h"

#define WRITES 3
#define LINES 20 /* about what went wrong, in one test */
#define LEN 6000u
#define BLOCKS 8192u		   /* under the rules that go to the disk */
#define LARGE ((1u << 20) + 5000u) /* in steps */

static const int answers[] = {
	-ENOSYS, -EPERM,  -EIO,	   -EINTR,	FAULT_SHORT, -EAGAIN,
	-ENOMEM, -EMFILE, -EINVAL, -EOPNOTSUPP, -ENOSPC,
};

/* The first ones are tried by the short form too. */
#define ANSWERS_SHORT 5

static const struct {
	const char *policy;
	enum strength strength;
	bool on_disk; /* a file on ext4: what goes there past the table is judged by the disk */
} rules[] = {
	{ "WT_POLICY=*=through", ON_DEVICE, false },
	{ "WT_POLICY=*=dsync", STABLE, false },
	{ "WT_POLICY=*=sync", STABLE_ALL, false },
	{ "WT_POLICY=*=through,engine=dsync", ON_DEVICE, false },
	{ "WT_POLICY=*=async,window=64K", STARTED, false },
	{ "WT_POLICY=*=through,cache=drop", ON_DEVICE, false },
	{ "WT_POLICY=*=dsync,cache=drop", STABLE, false },
	{ "WT_POLICY=*=through,engine=direct", ON_DEVICE, true },
	{ "WT_POLICY=*=dsync,engine=direct", STABLE, true },
};

static const struct {
	const char *name;
	enum wt_call call;
	int fl;
	size_t len;
} ways[] = {
	{ "pwrite", WT_PWRITE, 0, LEN },
	{ "write", WT_WRITE, 0, LEN },
	{ "an appending write", WT_WRITE, O_APPEND, LEN },
	{ "writev", WT_WRITEV, 0, LEN },
	{ "pwritev2", WT_PWRITEV2, 0, LEN },
	{ "a large pwrite", WT_PWRITE, 0, LARGE },
	{ "an appending pwrite", WT_PWRITE, O_APPEND, LEN },
	{ "pwritev", WT_PWRITEV, 0, LEN },
};

/* What a child has to say: shared with its parent. */
struct told {
	int seen[FAULT_CALLS];
	int struck;
	int failed; /* writes that returned an error */
	char wrong[256];
};

static struct told *told;
static bool soak;
static int lines;

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!told->wrong[0])
		vsnprintf(told->wrong, sizeof(told->wrong), format, arguments);
	va_end(arguments);
}

static size_t length(size_t way, size_t rule)
{
	return rules[rule].on_disk ? BLOCKS : ways[way].len;
}

static off_t position(int fd)
{
	return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

static bool is_there(int fd, off_t offset, const char *bytes, size_t len)
{
	void *found = NULL;
	bool same = !posix_memalign(&found, BLOCKS, len) &&
		    syscall(SYS_pread64, fd, found, len, offset) == (ssize_t)len &&
		    !memcmp(found, bytes, len);

	free(found);
	return same;
}

/* What a ring does is not in the table: no page is dirty, and the disk has it. */
static bool is_on_disk(int fd, off_t offset, const char *bytes, size_t len)
{
	struct probe_cache pages;
	char path[32];

	if (probe_cachestat(fd, offset, len, &pages) || pages.dirty || pages.writeback)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return probe_read_equal(path, O_DIRECT, offset, bytes, len);
}

static bool was_named(enum wt_event_kind kind)
{
	const struct wt_event *event;

	for (size_t i = 0; (event = wt_stats_event_at(i)); i++)
		if (event->kind == kind)
			return true;
	return false;
}

/* Where libwt cannot know what the descriptor is: no rule, which the report says. */
static bool may_be_uncovered(const struct fault *fault)
{
	return (fault->call == FAULT_identify || fault->call == FAULT_readlink) &&
	       fault->at == FAULT_EVERY && was_named(WT_EVENT_NOT_COVERED);
}

static void judge_success(const struct fault *fault, size_t way, size_t rule, int fd, ssize_t ret,
			  off_t start, const char *bytes)
{
	if ((size_t)ret > length(way, rule))
		wrong("returned %zd of %zu bytes", ret, length(way, rule));
	else if (!is_there(fd, start, bytes, ret))
		wrong("returned %zd, and the bytes are not in the file", ret);
	else if (!ledger_has(start, ret, rules[rule].strength) &&
		 !(rules[rule].on_disk && is_on_disk(fd, start, bytes, ret)) &&
		 !may_be_uncovered(fault))
		wrong("returned %zd, and they are not as strong as that", ret);
}

static void write_once(const struct fault *fault, size_t way, size_t rule, int fd, int n)
{
	size_t len = length(way, rule);
	void *memory = NULL;
	int err = posix_memalign(&memory, BLOCKS, len);
	char *bytes = memory;
	struct iovec iov[2] = { { bytes, len / 3 }, { bytes + len / 3, len - len / 3 } };
	bool is_scalar = ways[way].call == WT_WRITE || ways[way].call == WT_PWRITE;
	bool has_offset = ways[way].call != WT_WRITE && ways[way].call != WT_WRITEV;
	off_t before = position(fd), end = syscall(SYS_lseek, fd, 0, SEEK_END);
	off_t offset = n * len + (rules[rule].on_disk ? 0 : 100);
	if (err)
		wrong("no memory");
	if (!has_offset)
		offset = WT_OFFSET_NONE;
	off_t start = ways[way].fl & O_APPEND ? end : has_offset ? offset : before;

	syscall(SYS_lseek, fd, before, SEEK_SET);
	memset(bytes, 'a' + n, len);
	if (is_scalar)
		iov[0].iov_len = len;
	struct wt_io io = { ways[way].call, fd, is_scalar ? 1 : 2, 0, { iov }, offset };
	ssize_t ret = wt_core_write(&io, wt_fdtable_get(fd));
	off_t expected = has_offset || ret < 0 ? before : start + ret;
	if (ret > 0)
		judge_success(fault, way, rule, fd, ret, start, bytes);
	else if (!ret)
		wrong("returned 0");
	if (fault->call != FAULT_lseek && position(fd) != expected)
		wrong("returned %zd and left the offset at %ld, not %ld", ret, position(fd),
		      expected);
	told->failed += ret < 0;
	free(bytes);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += syscall(SYS_fcntl, fd, F_GETFD) >= 0;
	return count;
}

/* A file with its blocks, as the direct engine wants it. */
static const char *on_ext4(void)
{
	static char path[512];

	if (!path[0])
		snprintf(path, sizeof(path), "%s/fault", getenv("WT_TEST_EXT4"));
	return path;
}

static void make_on_ext4(void)
{
	char zeros[WRITES * BLOCKS] = { 0 };

	if (!getenv("WT_TEST_EXT4"))
		cr_skip_test("%s", getenv("WT_TEST_EXT4_SKIP") ?: "not run by tests/with-fs");
	int fd = open(on_ext4(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, zeros, sizeof(zeros)), (ssize_t)sizeof(zeros), "%m");
	cr_assert_eq(fsync(fd), 0, "%m");
	close(fd);
}

/* In a process of its own. */
static void live(const struct fault *fault, size_t way, size_t rule)
{
	char *environment[] = { (char *)rules[rule].policy, "WT_LOG=error", NULL };
	int fd = rules[rule].on_disk ? open(on_ext4(), O_RDWR | O_CLOEXEC)
				     : memfd_create("fault", MFD_CLOEXEC);
	int before = count_descriptors();

	alarm(120);
	syscall(SYS_fcntl, fd, F_SETFL, ways[way].fl);
	if (wt_config_load(environment) || wt_stats_init(wt_config.policy.rules_len) ||
	    wt_description_init())
		wrong("it did not start");
	fault_wrap();
	fault_arm(fault, fd);
	int err = wt_resolve_opened(fd, O_RDWR, NULL);
	if (err)
		wrong("the open was refused: %d", err);
	for (int n = 0; n < WRITES; n++)
		write_once(fault, way, rule, fd, n);
	if (fault_struck() && fault->at == FAULT_EVERY && !told->failed &&
	    (fault->call == FAULT_sync_file_range || fault->call == FAULT_pwritev2) &&
	    fault->answer < 0 && !was_named(WT_EVENT_FALL))
		wrong("no fall was named");
	if (count_descriptors() != before)
		wrong("%d descriptors became %d", before, count_descriptors());
	for (int i = 0; i < FAULT_CALLS; i++)
		told->seen[i] = fault_seen(i);
	told->struck = fault_struck();
	_exit(0);
}

/* False, with a line about it, where the case went wrong. */
static bool try(const struct fault *fault, size_t way, size_t rule)
{
	int status;
	pid_t child;

	memset(told, 0, sizeof(*told));
	child = fork();
	if (child == 0)
		live(fault, way, rule);
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		wrong("%s", WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
	if (!told->wrong[0])
		return true;
	if (fault->answer == FAULT_LIE || lines++ >= LINES)
		return false;
	cr_log_error("%s, %s, %s %s at %d: %s", rules[rule].policy, ways[way].name,
		     fault_names[fault->call],
		     fault->answer == FAULT_SHORT ? "short" : strerrorname_np(-fault->answer),
		     fault->at, told->wrong);
	return false;
}

static const struct fault no_fault = { .at = -1 };

/* All answers and positions of one call; how many went wrong. */
static int try_call(enum fault_call call, int seen, size_t way, size_t rule)
{
	int bad = 0;

	for (size_t i = 0; i < (soak ? WT_LENGTH(answers) : ANSWERS_SHORT); i++) {
		if (answers[i] == FAULT_SHORT && !fault_can_be_short(call))
			continue;
		for (int at = FAULT_EVERY; at <= seen && at <= (soak ? 8 : 1); at++) {
			bad += !try(&(struct fault){ call, answers[i], at }, way, rule);
			if (!told->struck && !told->wrong[0]) {
				cr_log_error("%s at %d did not strike", fault_names[call], at);
				bad++;
			}
		}
	}
	return bad;
}

static int try_all(size_t rule)
{
	int bad = 0;

	if (rules[rule].on_disk)
		make_on_ext4();
	for (size_t way = 0; way < WT_LENGTH(ways); way++) {
		struct told plain;

		/* The large one writes in steps, at some cost of time: under two rules. */
		if (!soak && ways[way].len == LARGE && rule > 1)
			continue;
		/* What it leaves to others is as without it. */
		if (rules[rule].on_disk && ways[way].call != WT_PWRITE &&
		    ways[way].call != WT_PWRITEV)
			continue;
		bad += !try(&no_fault, way, rule);
		plain = *told;
		cr_expect_eq(plain.failed, 0);
		for (int call = 0; call < FAULT_CALLS; call++)
			if (plain.seen[call])
				bad += try_call(call, plain.seen[call], way, rule);
	}
	return bad;
}

static void setup(void)
{
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(told, MAP_FAILED);
	soak = getenv("WT_SOAK") && strcmp(getenv("WT_SOAK"), "");
	scratch_make();
}

TestSuite(fault, .init = setup, .fini = scratch_remove);

#define RULE_TEST(number, name)                                                                    \
	Test(fault, name)                                                                          \
	{                                                                                          \
		cr_expect_eq(try_all(number), 0);                                                  \
	}

RULE_TEST(0, under_through)
RULE_TEST(1, under_dsync)
RULE_TEST(2, under_sync)
RULE_TEST(3, under_through_by_dsync)
RULE_TEST(4, under_async)
RULE_TEST(5, under_through_without_cache)
RULE_TEST(6, under_dsync_without_cache)
RULE_TEST(7, under_through_by_direct)
RULE_TEST(8, under_dsync_by_direct)

/* All the rules of a file, or none and an error of WT_STRICT. */
static void load(const struct fault *fault)
{
	char variable[512];
	char *environment[] = { variable, "WT_STRICT=1", "WT_LOG=error", "WT_LOG_FILE=/dev/null",
				NULL };

	alarm(120);
	snprintf(variable, sizeof(variable), "WT_POLICY_FILE=%s", scratch_path("rules"));
	fault_wrap();
	fault_arm(fault, -1);
	int err = wt_config_load(environment);
	if (err ? wt_config.active : wt_config.policy.rules_len != 3)
		wrong("%d, and %zu rules", err, wt_config.policy.rules_len);
	told->failed = err != 0;
	told->struck = fault_struck();
	for (int i = 0; i < FAULT_CALLS; i++)
		told->seen[i] = fault_seen(i);
	_exit(0);
}

/* Whatever fails, it ends; a part is never written for the whole without a word. */
static void report(const struct fault *fault)
{
	char *environment[] = { "WT_POLICY=*=dsync", "WT_LOG=error", "WT_LOG_FILE=/dev/null",
				NULL };
	char path[512];

	alarm(120);
	snprintf(path, sizeof(path), "%s", scratch_path("report.json"));
	unlink(path);
	wt_config_load(environment);
	if (wt_stats_init(1))
		wrong("it did not start");
	fault_wrap();
	fault_arm(fault, -1);
	wt_report_write(path, &wt_config.policy);
	for (int i = 0; i < FAULT_CALLS; i++)
		told->seen[i] = fault_seen(i);
	told->struck = fault_struck();
	_exit(0);
}

static int try_around(void (*around)(const struct fault *), const struct fault *fault)
{
	int status;

	memset(told, 0, sizeof(*told));
	pid_t child = fork();
	if (child == 0)
		around(fault);
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		wrong("%s", strsignal(WTERMSIG(status)));
	if (told->wrong[0])
		cr_log_error("%s %d at %d: %s", fault_names[fault->call], fault->answer, fault->at,
			     told->wrong);
	return told->wrong[0] != 0;
}

static int try_all_around(void (*around)(const struct fault *))
{
	int bad = try_around(around, &no_fault);
	struct told plain = *told;

	for (int call = 0; call < FAULT_CALLS; call++)
		for (size_t i = 0; i < WT_LENGTH(answers); i++)
			for (int at = FAULT_EVERY; at <= plain.seen[call]; at++)
				if (answers[i] != FAULT_SHORT || fault_can_be_short(call))
					bad += try_around(around,
							  &(struct fault){ call, answers[i], at });
	return bad;
}

Test(fault, a_policy_is_read_whole_or_not_at_all)
{
	FILE *rules_file = fopen(scratch_path("rules"), "we");

	fputs("*.a=through\n*.b=dsync\n*.c=off\n", rules_file);
	fclose(rules_file);
	cr_expect_eq(try_all_around(load), 0);
}

Test(fault, a_report_that_cannot_be_written_does_not_hang)
{
	cr_expect_eq(try_all_around(report), 0);
}

/* Nothing is written back, and the ledger is not deceived. */
Test(fault, a_call_that_lies_is_noticed)
{
	static const struct {
		enum fault_call call;
		size_t way;
		size_t rule;
	} lies[] = {
		{ FAULT_sync_file_range, 0, 0 }, { FAULT_sync_file_range, 1, 0 },
		{ FAULT_fdatasync, 1, 1 },	 { FAULT_fsync, 1, 2 },
		{ FAULT_own_pwrite, 0, 0 },	 { FAULT_own_write, 2, 0 },
		{ FAULT_sync_file_range, 0, 4 },
	};

	for (size_t i = 0; i < WT_LENGTH(lies); i++) {
		struct fault fault = { lies[i].call, FAULT_LIE, FAULT_EVERY };

		cr_expect_not(try(&fault, lies[i].way, lies[i].rule), "%s",
			      fault_names[fault.call]);
	}
}
