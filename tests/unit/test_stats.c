/* SPDX-License-Identifier: MIT */
/*
 * What is counted, by whom and for whom: threads, forks, vforks, full tables,
 * and quantiles against a sorted array.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process.h"
#include "os/sys.h"
#include "report/stats.h"

#define RULES 3
#define RULE 1
#define ENGINE WT_ENGINE_DSYNC
#define THREADS 8
#define ROUNDS 20000

static void begin(void)
{
	cr_assert_eq(wt_stats_init(RULES), 0);
}

TestSuite(stats, .init = begin);

static uint64_t files(void)
{
	return wt_stats_row(RULE, ENGINE)->files;
}

static uint64_t writes(void)
{
	return wt_stats_row(RULE, ENGINE)->writes;
}

Test(stats, nothing_is_counted_at_first)
{
	cr_expect(!wt_stats_any());
	cr_expect(!wt_process_is_fork());
	cr_expect_null(wt_stats_event_at(0));
}

Test(stats_before_start, calls_are_harmless)
{
	wt_stats_file(0, ENGINE, "why", 1, 2);
	wt_stats_write(0, ENGINE, 1, 1);
	wt_stats_event(WT_EVENT_FALL, 0, "a", "b", "c");
	wt_process_forked();
	cr_expect(!wt_stats_any());
	cr_expect(!wt_stats_claim_report());
	cr_expect_eq(wt_stats_elapsed_ms(), 0);
	cr_expect_null(wt_stats_row(0, ENGINE));
	cr_expect_null(wt_stats_event_at(0));
}

Test(stats, write_counts_in_its_own_row)
{
	wt_stats_write(RULE, ENGINE, 4096, 1000);
	wt_stats_write(RULE, ENGINE, 100, 3000);
	wt_stats_write(RULE, ENGINE, -EIO, 2000);

	const struct wt_row *row = wt_stats_row(RULE, ENGINE);
	cr_expect_eq(row->writes, 3);
	cr_expect_eq(row->bytes, 4196);
	cr_expect_eq(row->errors, 1);
	cr_expect_eq(row->latency.max_ns, 3000);
	for (size_t rule = 0; rule < RULES; rule++)
		for (int engine = 0; engine < WT_ENGINES; engine++)
			cr_expect_eq(wt_stats_row(rule, engine)->writes,
				     rule == RULE && engine == ENGINE ? 3 : 0);
	cr_expect(wt_stats_any());
}

Test(stats, file_counts_once_for_each_rule_and_engine)
{
	for (int again = 0; again < 3; again++) {
		wt_stats_file(RULE, ENGINE, "first", 1, 10);
		wt_stats_file(RULE, ENGINE, "second", 1, 11);
		wt_stats_file(RULE, ENGINE, "third", 2, 10);
		wt_stats_file(RULE, WT_ENGINE_DIRECT, "other", 1, 10);
		wt_stats_file(0, ENGINE, "other", 1, 10);
	}
	cr_expect_eq(files(), 3);
	cr_expect_str_eq(wt_stats_row(RULE, ENGINE)->reason, "first");
	cr_expect_eq(wt_stats_row(RULE, WT_ENGINE_DIRECT)->files, 1);
	cr_expect_eq(wt_stats_row(0, ENGINE)->files, 1);
}

Test(stats, files_of_a_large_database_are_all_told_apart)
{
	for (int again = 0; again < 2; again++)
		for (ino_t ino = 1; ino <= 4000; ino++)
			wt_stats_file(RULE, ENGINE, "why", 8, ino);
	cr_expect_eq(files(), 4000);
	cr_expect_eq(wt_stats_files_lost(), 0);
}

Test(stats, file_past_the_table_is_counted_as_lost)
{
	const ino_t most = 20000;

	for (ino_t ino = 1; ino <= most; ino++)
		wt_stats_file(RULE, ENGINE, "why", 8, ino);
	cr_expect_eq(files() + wt_stats_files_lost(), most);
	cr_expect_gt(wt_stats_files_lost(), 0);
	cr_expect_gt(files(), 7000);
}

static void *count_in_a_thread(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		wt_stats_file(RULE, ENGINE, "why", 8, 1 + i % 1000);
		wt_stats_write(RULE, ENGINE, 7, i);
		wt_stats_event(WT_EVENT_FALL, i % 2 ? STDOUT_FILENO : STDERR_FILENO, "a", "b", "c");
	}
	return unused;
}

Test(stats, threads_lose_no_count)
{
	pthread_t threads[THREADS];
	int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_WRONLY);
	uint64_t in_buckets = 0, events = 0;

	dup2(null, STDOUT_FILENO);
	dup2(zero, STDERR_FILENO);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count_in_a_thread, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	const struct wt_row *row = wt_stats_row(RULE, ENGINE);
	for (int i = 0; i < WT_LATENCY_BUCKETS; i++)
		in_buckets += row->latency.buckets[i];
	for (size_t i = 0; i < WT_EVENTS && wt_stats_event_at(i); i++)
		events += wt_stats_event_at(i)->count;
	cr_expect_eq(row->files, 1000);
	cr_expect_eq(row->writes, THREADS * ROUNDS);
	cr_expect_eq(row->bytes, 7 * THREADS * ROUNDS);
	cr_expect_eq(in_buckets, THREADS * ROUNDS);
	cr_expect_eq(row->latency.max_ns, ROUNDS - 1);
	cr_expect_eq(events, THREADS * ROUNDS);
	cr_expect_null(wt_stats_event_at(2), "two files, two events");
}

/* Each check has a bit of its own in the exit status. */
static int counts_anew(void)
{
	int wrong = 0;

	wrong |= wt_process_id() == getpid() ? 0 : 32;
	wrong |= wt_stats_any() ? 1 : 0;
	wrong |= wt_process_is_fork() ? 0 : 2;
	wt_stats_write(RULE, ENGINE, 1, 1);
	wrong |= writes() == 1 ? 0 : 4;
	wrong |= wt_stats_claim_report() ? 0 : 8;
	wrong |= wt_stats_claim_report() ? 16 : 0;
	return wrong;
}

static int status_of(pid_t child)
{
	int status;

	cr_assert_eq(waitpid(child, &status, __WALL), child);
	return status;
}

static void expect_own_counts_kept(void)
{
	cr_expect_eq(writes(), 1);
	cr_expect(!wt_process_is_fork());
	cr_expect(wt_stats_claim_report());
}

Test(stats, forked_child_counts_and_reports_for_itself)
{
	wt_stats_write(RULE, ENGINE, 1, 1);
	pid_t child = fork();
	if (!child) {
		wt_process_forked();
		_exit(counts_anew());
	}
	cr_expect_eq(status_of(child), 0);
	expect_own_counts_kept();
}

Test(stats, child_of_a_bare_clone_counts_and_reports_for_itself)
{
	wt_stats_write(RULE, ENGINE, 1, 1);
	pid_t child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!child)
		syscall(SYS_exit_group, counts_anew());
	cr_expect_eq(status_of(child), 0);
	expect_own_counts_kept();
}

Test(stats, child_of_a_parent_that_has_reported_reports_too)
{
	cr_assert(wt_stats_claim_report());
	pid_t child = fork();
	if (!child) {
		wt_process_forked();
		_exit(wt_stats_claim_report() ? 0 : 1);
	}
	cr_expect_eq(status_of(child), 0);
}

/* As vfork does it: the parent's memory and another process id. */
static int claim_in_borrowed_memory(void *claimed)
{
	*(bool *)claimed = wt_stats_claim_report();
	return 0;
}

static bool vfork_child_claims(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	bool claimed = true;
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
	pid_t child = clone(claim_in_borrowed_memory, stack + sizeof(stack), flags, &claimed);

	cr_assert_eq(status_of(child), 0);
	return claimed;
}

Test(stats, vfork_child_does_not_report_in_its_parents_place)
{
	cr_expect(!vfork_child_claims());
	cr_expect(wt_stats_claim_report());
}

Test(stats, vfork_child_of_a_forked_child_does_not_report_in_its_place)
{
	pid_t child = fork();
	if (!child) {
		wt_process_forked();
		_exit(!vfork_child_claims() && wt_stats_claim_report() ? 0 : 1);
	}
	cr_expect_eq(status_of(child), 0);
}

static int readlinks;
static ssize_t (*real_readlink)(const char *path, char *buf, size_t size);

static ssize_t counting_readlink(const char *path, char *buf, size_t size)
{
	readlinks++;
	return real_readlink(path, buf, size);
}

Test(stats, event_asks_for_the_path_once)
{
	int fd = open("/dev/null", O_WRONLY);

	real_readlink = wt_sys.readlink;
	wt_sys.readlink = counting_readlink;
	for (int i = 0; i < 5; i++)
		wt_stats_event(WT_EVENT_FALL, fd, "direct", "dsync", "partial block");
	cr_expect_eq(readlinks, 1);

	const struct wt_event *event = wt_stats_event_at(0);
	cr_assert_not_null(event);
	cr_expect_eq(event->kind, WT_EVENT_FALL);
	cr_expect_eq(event->count, 5);
	cr_expect_str_eq(event->path, "/dev/null");
	cr_expect_str_eq(event->from, "direct");
	cr_expect_str_eq(event->to, "dsync");
	cr_expect_str_eq(event->reason, "partial block");
	cr_expect_null(wt_stats_event_at(1));
}

Test(stats, events_differ_by_kind_file_engines_and_reason)
{
	int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_WRONLY);

	wt_stats_event(WT_EVENT_FALL, null, "direct", "dsync", "one");
	wt_stats_event(WT_EVENT_FALL, null, "direct", "dsync", "two");
	wt_stats_event(WT_EVENT_FALL, null, "direct", "writeback", "one");
	wt_stats_event(WT_EVENT_FALL, zero, "direct", "dsync", "one");
	wt_stats_event(WT_EVENT_NOT_COVERED, null, NULL, NULL, "one");
	for (size_t i = 0; i < 5; i++) {
		cr_assert_not_null(wt_stats_event_at(i));
		cr_expect_eq(wt_stats_event_at(i)->count, 1);
	}
	cr_expect_null(wt_stats_event_at(5));
}

static int identify_one_number(int fd, struct stat *st)
{
	*st = (struct stat){ .st_ino = 1, .st_ctim = { .tv_nsec = fd } };
	return 0;
}

Test(stats, a_new_file_with_the_number_of_a_removed_one_is_named)
{
	int removed = open("/dev/null", O_WRONLY), new = open("/dev/zero", O_WRONLY);

	wt_sys.identify = identify_one_number;
	wt_stats_event(WT_EVENT_NOT_COVERED, removed, NULL, NULL, "one");
	wt_stats_event(WT_EVENT_NOT_COVERED, new, NULL, NULL, "one");
	wt_stats_event(WT_EVENT_NOT_COVERED, new, NULL, NULL, "one");
	cr_assert_not_null(wt_stats_event_at(1));
	cr_expect_str_eq(wt_stats_event_at(0)->path, "/dev/null");
	cr_expect_str_eq(wt_stats_event_at(1)->path, "/dev/zero");
	cr_expect_eq(wt_stats_event_at(1)->count, 2);
}

Test(stats, event_past_the_table_is_counted_as_lost_by_its_kind)
{
	static char reasons[WT_EVENTS + 5][8];

	for (int i = 0; i < WT_EVENTS + 5; i++)
		wt_stats_event(WT_EVENT_FALL, STDIN_FILENO, "a", "b", reasons[i]);
	wt_stats_event(WT_EVENT_NOT_COVERED, STDIN_FILENO, NULL, NULL, "mapping");
	cr_expect_eq(wt_stats_events_lost(WT_EVENT_FALL), 5);
	cr_expect_eq(wt_stats_events_lost(WT_EVENT_NOT_COVERED), 1);
	cr_expect_not_null(wt_stats_event_at(WT_EVENTS - 1));
}

static const char *given_path;

static ssize_t given_readlink(const char *path, char *buf, size_t size)
{
	(void)path;
	if (!given_path)
		return -ENOENT;
	memcpy(buf, given_path, strnlen(given_path, size));
	return strnlen(given_path, size);
}

static const char *event_path(const char *path)
{
	given_path = path;
	wt_sys.readlink = given_readlink;
	wt_stats_event(WT_EVENT_FALL, STDIN_FILENO, "a", "b", "c");
	return wt_stats_event_at(0)->path;
}

Test(stats, path_that_just_fits_is_kept_whole)
{
	char path[WT_EVENT_PATH];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	cr_expect_str_eq(event_path(path), path);
}

Test(stats, long_path_keeps_its_tail_from_a_whole_character_on)
{
	char path[1001];

	/* Two-byte characters that end at an odd place: one cut falls inside of one. */
	for (size_t i = 0; i < 1000; i += 2)
		memcpy(path + i, "\xc3\xa9", 2);
	path[999] = 'z';
	path[1000] = '\0';
	const char *kept = event_path(path);
	size_t len = strlen(kept);

	cr_expect_lt(len, WT_EVENT_PATH);
	cr_expect_geq(len, WT_EVENT_PATH - 2);
	cr_expect_eq(memcmp(kept, "...\xc3\xa9", 5), 0);
	cr_expect_str_eq(kept + 3, path + 1000 - (len - 3));
}

Test(stats, long_path_of_no_characters_keeps_its_tail_too)
{
	char path[1001];

	memset(path, 0x80, 1000);
	path[1000] = '\0';
	const char *kept = event_path(path);

	cr_expect_geq(strlen(kept), WT_EVENT_PATH - 4);
	cr_expect_eq(memcmp(kept, "...\x80", 4), 0);
}

Test(stats, file_without_a_path_is_named_by_its_inode)
{
	cr_expect(strstr(event_path(NULL), "inode "), "%s", event_path(NULL));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void expect_quantiles(uint64_t *values, size_t len)
{
	static const unsigned int per_mille[] = { 1, 500, 900, 990, 999, 1000 };
	const struct wt_latency *latency = &wt_stats_row(RULE, ENGINE)->latency;

	for (size_t i = 0; i < len; i++)
		wt_stats_write(RULE, ENGINE, 1, values[i]);
	qsort(values, len, sizeof(*values), compare);
	for (size_t i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++) {
		size_t rank = (len * per_mille[i] + 999) / 1000;
		double right = values[rank - 1];
		double got = wt_latency_quantile_ns(latency, per_mille[i]);

		cr_expect(got >= right * 0.874 - 1 && got <= right * 1.126 + 1,
			  "%u per mille of %zu: %.0f, should be %.0f", per_mille[i], len, got,
			  right);
	}
	cr_expect_eq(latency->max_ns, values[len - 1]);
}

Test(stats, quantile_is_within_an_eighth_of_a_sorted_array)
{
	enum { SAMPLES = 20000 };
	static uint64_t values[SAMPLES];

	/* Every octave from nanoseconds to minutes is as likely as any other. */
	srand48(20240901);
	for (size_t i = 0; i < SAMPLES; i++)
		values[i] = (uint64_t)((1 + drand48()) * (1ull << (lrand48() % 37)));
	expect_quantiles(values, SAMPLES);
}

Test(stats, quantile_of_one_write_is_that_write)
{
	expect_quantiles((uint64_t[]){ 47123 }, 1);
}

Test(stats, quantile_of_nothing_is_zero)
{
	cr_expect_eq(wt_latency_quantile_ns(&wt_stats_row(RULE, ENGINE)->latency, 990), 0);
}

Test(stats, quantile_never_exceeds_the_maximum)
{
	wt_stats_write(RULE, ENGINE, 1, 1 << 20);
	cr_expect_eq(wt_latency_quantile_ns(&wt_stats_row(RULE, ENGINE)->latency, 1000), 1 << 20);
}

Test(stats, latency_beyond_the_last_bucket_is_still_counted)
{
	wt_stats_write(RULE, ENGINE, 1, UINT64_MAX);
	wt_stats_write(RULE, ENGINE, 1, 0);
	const struct wt_latency *latency = &wt_stats_row(RULE, ENGINE)->latency;

	cr_expect_eq(latency->buckets[WT_LATENCY_BUCKETS - 1], 1);
	cr_expect_eq(latency->buckets[0], 1);
	cr_expect_eq(latency->max_ns, UINT64_MAX);
}

Test(stats, time_passes)
{
	cr_expect_eq(wt_stats_elapsed_ms(), 0, "nobody has asked for the time");
	wt_stats_keep_time();
	uint64_t before = wt_stats_elapsed_ms();

	usleep(20000);
	cr_expect_geq(wt_stats_elapsed_ms(), before + 19);
}
