/* SPDX-License-Identifier: MIT */
/*
 * What the library's own system calls add to the kernel's: names, memory, descriptors and signals
 * of the program, all real. What a sandbox refuses, a filter of the test's own refuses.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "child.h"
#include "os/sys.h"
#include "scratch.h"

TestSuite(sys, .init = scratch_make, .fini = scratch_remove);

Test(sys, a_refusal_is_no_answer_of_the_disk)
{
	static const int refusals[] = { ENOSYS, EPERM, EOPNOTSUPP, EINVAL };
	static const int answers[] = { EIO, ENOSPC, EDQUOT, EROFS, EBADF, EFAULT, EAGAIN, EINTR };

	for (size_t i = 0; i < WT_LENGTH(refusals); i++)
		cr_expect(wt_sys_is_refusal(-refusals[i]), "%s", strerror(refusals[i]));
	for (size_t i = 0; i < WT_LENGTH(answers); i++)
		cr_expect_not(wt_sys_is_refusal(-answers[i]), "%s", strerror(answers[i]));
	cr_expect_not(wt_sys_is_refusal(0));
	cr_expect_not(wt_sys_is_refusal(ENOSYS), "so many bytes");
}

/* A page of bytes, and behind it one that is not there. */
static char *half_there(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(munmap(pages + 4096, 4096), 0);
	memset(pages, 'p', 4096);
	return pages;
}

static void expect_memory_is_read(void)
{
	char *pages = half_there(), to[4096] = "";

	cr_expect(wt_sys_read_program(to, pages, 4096));
	cr_expect_eq(memcmp(to, pages, 4096), 0);
	cr_expect(wt_sys_read_program(to, pages + 4095, 1));
	cr_expect_not(wt_sys_read_program(to, pages + 4095, 2), "half of it is there");
	cr_expect_not(wt_sys_read_program(to, pages + 4096, 1));
	cr_expect_not(wt_sys_read_program(to, NULL, 8));
}

Test(sys, memory_of_the_program_is_read_where_it_is_there)
{
	expect_memory_is_read();
}

static void refuse(int number, int err)
{
	if (!child_refuse_call(number, err))
		cr_skip_test("this machine: no filter of system calls");
}

/* As containers' default profiles do. */
Test(sys, memory_is_read_by_a_pipe_where_the_call_is_refused)
{
	int before = child_count_descriptors();
	char byte;
	struct iovec to = { &byte, 1 };

	refuse(SYS_process_vm_readv, EPERM);
	cr_assert_eq(wt_sys.read_memory(&to, &to, 1), -EPERM, "the test shows nothing");
	expect_memory_is_read();
	cr_expect_eq(child_count_descriptors(), before);
}

Test(sys, a_pipe_reads_no_more_than_it_takes_at_once)
{
	static char from[PIPE_BUF + 1], to[PIPE_BUF + 1];

	refuse(SYS_process_vm_readv, ENOSYS);
	cr_expect(wt_sys_read_program(to, from, PIPE_BUF));
	cr_expect_not(wt_sys_read_program(to, from, PIPE_BUF + 1));
}

static int file_called(const char *name)
{
	int fd = open(scratch_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%m");
	return fd;
}

static void expect_identity(const char *name, bool has_time)
{
	struct stat st, expected;
	int fd = file_called(name);

	cr_assert_eq(write(fd, "bytes", 5), 5);
	fstat(fd, &expected);
	cr_assert_eq(wt_sys.identify(fd, &st), 0);
	cr_expect(wt_is_same_file(&st, &expected));
	cr_expect_eq(st.st_mode, expected.st_mode);
	cr_expect_eq(st.st_size, expected.st_size);
	cr_expect_eq(st.st_nlink, expected.st_nlink);
	cr_expect_eq(st.st_uid, expected.st_uid);
	cr_expect_eq(st.st_ctim.tv_sec != 0, has_time);
	cr_expect_eq(wt_sys.identify(1 << 20, &st), -EBADF);
	close(fd);
}

Test(sys, a_file_is_identified_with_the_time_when_it_was_made)
{
	struct statx stx;

	if (statx(AT_FDCWD, scratch_dir(), 0, STATX_BTIME, &stx) || !(stx.stx_mask & STATX_BTIME))
		cr_skip_test("this machine: no time of birth in %s", scratch_dir());
	expect_identity("file", true);
}

Test(sys, a_file_is_identified_where_statx_is_refused)
{
	refuse(SYS_statx, ENOSYS);
	expect_identity("file", false);
}

Test(sys, an_error_is_returned_and_errno_left_alone)
{
	struct stat st;
	char byte;

	errno = 77;
	cr_expect_eq(wt_sys.open("/no/such/file", O_RDONLY, 0), -ENOENT);
	cr_expect_eq(wt_sys.read(-1, &byte, 1), -EBADF);
	cr_expect_eq(wt_sys.fsync(-1), -EBADF);
	cr_expect_eq(wt_sys.lseek(-1, 0, SEEK_CUR), -EBADF);
	cr_expect_eq(wt_sys.identify(-1, &st), -EBADF);
	cr_expect_eq(errno, 77);
}

static void limit_descriptors(rlim_t soft)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = soft;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

Test(sys, a_descriptor_of_libwt_s_own_is_where_hardly_any_program_has_one)
{
	int lowest = dup(0), fd;

	close(lowest);
	limit_descriptors(1000);
	fd = wt_sys_open_aside(AT_FDCWD, "/", O_PATH);
	cr_expect_geq(fd, 1000 - 64);
	cr_expect_lt(fd, 1000);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_expect_eq(dup(0), lowest, "the lowest number is free again");
}

Test(sys, a_descriptor_of_libwt_s_own_is_found_below_a_low_limit)
{
	int before = child_count_descriptors();

	limit_descriptors(100);
	int fd = wt_sys_open_aside(AT_FDCWD, "/", O_PATH);
	cr_expect_geq(fd, 0);
	cr_expect_eq(child_count_descriptors(), before + 1);
}

Test(sys, a_descriptor_that_cannot_be_had_is_an_error)
{
	cr_expect_eq(wt_sys_open_aside(AT_FDCWD, "/no/such/file", O_RDONLY), -ENOENT);
	cr_expect_eq(wt_sys_aside(-EMFILE), -EMFILE);
}

static int interruptions;

/* A byte at a time, each after so many interruptions. */
static ssize_t write_little(int fd, const void *buf, size_t len)
{
	static int left;

	if (left++ < interruptions)
		return -EINTR;
	left = 0;
	return write(fd, buf, len ? 1 : 0);
}

static ssize_t write_nothing(int fd, const void *buf, size_t len)
{
	(void)fd, (void)buf, (void)len;
	return 0;
}

Test(sys, all_is_written_over_short_writes_and_interruptions)
{
	char bytes[6] = "";
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	wt_sys.write = write_little;
	interruptions = 3;
	cr_expect_eq(wt_sys_write_all(ends[1], "bytes", 5), 0);
	cr_assert_eq(read(ends[0], bytes, 5), 5);
	cr_expect_str_eq(bytes, "bytes");
}

Test(sys, a_write_that_never_comes_to_an_end_is_given_up, .timeout = 120)
{
	wt_sys.write = write_little;
	interruptions = INT_MAX;
	cr_expect_eq(wt_sys_write_all(1, "bytes", 5), -EINTR);
	wt_sys.write = write_nothing;
	cr_expect_eq(wt_sys_write_all(1, "bytes", 5), -EIO);
}

static int change(void *word)
{
	int before = *(int *)word;

	*(int *)word = 2;
	return before;
}

static int *mapped(int (*map)(size_t, void **))
{
	void *word = NULL;

	cr_assert_eq(map(sizeof(int), &word), 0);
	*(int *)word = 1;
	return word;
}

Test(sys, a_forked_child_finds_its_own_memory_empty)
{
	int *word = mapped(wt_sys_map_wiped);

	cr_expect_eq(child_forked(change, word), 0, "nothing of its parent's");
	cr_expect_eq(*word, 1);
}

Test(sys, a_forked_child_shares_what_is_mapped_to_be_shared)
{
	int *word = mapped(wt_sys_map_shared);

	cr_expect_eq(child_forked(change, word), 1 << 8);
	cr_expect_eq(*word, 2);
}

Test(sys, pieces_of_shared_memory_lie_apart)
{
	static const size_t sizes[] = { 1, 64, 65, 4096, 2 << 20, 1 };
	char *pieces[WT_LENGTH(sizes)];

	for (size_t i = 0; i < WT_LENGTH(sizes); i++) {
		void *piece;

		cr_assert_eq(wt_sys_map_shared(sizes[i], &piece), 0);
		pieces[i] = piece;
		cr_expect_eq((uintptr_t)piece % 64, 0u);
		for (size_t at = 0; at < sizes[i]; at += 64)
			cr_assert_eq(pieces[i][at], 0);
		memset(piece, 'x', sizes[i]);
		for (size_t j = 0; j < i; j++)
			cr_expect(pieces[j] + sizes[j] <= pieces[i] ||
				  pieces[i] + sizes[i] <= pieces[j]);
	}
}

static volatile sig_atomic_t handled;
static sigjmp_buf back;

static void handle(int signal)
{
	handled++;
	if (wt_sys_is_raised(signal))
		siglongjmp(back, 1);
}

Test(sys, signals_are_held_off_until_they_are_let)
{
	struct wt_signals signals;

	signal(SIGUSR1, handle);
	wt_sys_hold_signals(&signals);
	cr_assert(signals.held);
	raise(SIGUSR1);
	cr_expect_eq(handled, 0);
	wt_sys_let_signals(&signals);
	/* A sanitizer's runtime calls the handler somewhat later. */
	for (int tries = 0; !handled && tries < 1000; tries++)
		usleep(1000);
	cr_expect_eq(handled, 1);
}

Test(sys, a_signal_that_was_blocked_before_stays_blocked)
{
	struct wt_signals signals;
	sigset_t one, now;

	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	sigprocmask(SIG_BLOCK, &one, NULL);
	wt_sys_hold_signals(&signals);
	wt_sys_let_signals(&signals);
	sigprocmask(SIG_BLOCK, NULL, &now);
	cr_expect(sigismember(&now, SIGUSR2));
	cr_expect_not(sigismember(&now, SIGUSR1));
}

/* Held off it would kill. */
Test(sys, a_signal_that_the_thread_raises_itself_reaches_its_handler)
{
	volatile char *missing = half_there() + 4096;
	struct wt_signals signals;

	signal(SIGSEGV, handle);
	wt_sys_hold_signals(&signals);
	if (!sigsetjmp(back, 1))
		(void)*missing;
	cr_expect_eq(handled, 1);
	wt_sys_let_signals(&signals);
	cr_expect_not(wt_sys_is_raised(SIGUSR1));
	cr_expect_not(wt_sys_is_raised(SIGTERM));
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

Test(sys, the_clock_is_the_monotonic_one)
{
	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_ns(CLOCK_MONOTONIC), now = wt_sys_now_ns();

		cr_expect_leq(before, now);
		cr_expect_leq(now, clock_ns(CLOCK_MONOTONIC));
	}
}

Test(sys, the_time_of_day_is_in_milliseconds)
{
	uint64_t before = clock_ns(CLOCK_REALTIME) / 1000000, now = wt_sys_unix_ms();

	cr_expect_leq(before, now);
	cr_expect_leq(now, clock_ns(CLOCK_REALTIME) / 1000000);
}
