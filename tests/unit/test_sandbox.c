/* SPDX-License-Identifier: MIT */
/* Whether io_uring may be asked for, under real filters: those that let pass, refuse and kill. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "os/sandbox.h"
#include "os/sys.h"
#include "scratch.h"

static void setup(void)
{
	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime makes system calls of its own");
}

TestSuite(sandbox, .init = setup);

static bool has_filter(void)
{
	return !strstr(scratch_contents("/proc/thread-self/status"), "\nSeccomp:\t0\n");
}

static void refuse(int number, int err)
{
	if (has_filter() || !child_refuse_call(number, err))
		cr_skip_test("this machine: no filter of the test's own");
}

Test(sandbox, without_a_filter_nothing_is_asked)
{
	if (has_filter())
		cr_skip_test("this machine: there is a filter");
	cr_expect_eq(wt_sandbox_try_ring(), 0);
}

Test(sandbox, a_filter_that_lets_rings_pass_says_so)
{
	refuse(SYS_swapon, EPERM);
	cr_expect_eq(wt_sandbox_try_ring(), 0);
	cr_expect_eq(wt_sandbox_try_ring(), 0);
}

static void refuse_and_expect(int number, int err)
{
	refuse(number, err);
	cr_expect_eq(wt_sandbox_try_ring(), -err, "%d", wt_sandbox_try_ring());
}

Test(sandbox, a_refusal_to_set_a_ring_up_is_the_answer)
{
	refuse_and_expect(SYS_io_uring_setup, EACCES);
}

Test(sandbox, a_refusal_to_enter_a_ring_is_the_answer)
{
	refuse_and_expect(SYS_io_uring_enter, ENOSYS);
}

Test(sandbox, a_refusal_to_register_with_a_ring_is_the_answer)
{
	refuse_and_expect(SYS_io_uring_register, EPERM);
}

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

/* Whatever is killed there, this process goes on, with no child to wait for and no signal. */
Test(sandbox, a_filter_that_kills_kills_nothing_of_the_program_s)
{
	int before = child_count_descriptors();

	signal(SIGCHLD, count_signal);
	signal(SIGSYS, count_signal);
	refuse(SYS_io_uring_setup, 0);
	cr_expect_eq(wt_sandbox_try_ring(), -EPERM);
	cr_expect_eq(signals, 0);
	cr_expect_eq(waitpid(-1, NULL, __WALL), -1);
	cr_expect_eq(errno, ECHILD);
	cr_expect_eq(child_count_descriptors(), before);
}

Test(sandbox, a_filter_that_comes_later_is_asked_again)
{
	refuse(SYS_swapon, EPERM);
	cr_expect_eq(wt_sandbox_try_ring(), 0);
	cr_assert(child_refuse_call(SYS_io_uring_setup, 0));
	cr_expect_eq(wt_sandbox_try_ring(), -EPERM);
}

Test(sandbox, without_a_descriptor_there_is_no_ring)
{
	struct rlimit limit, none;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int answer = wt_sandbox_try_ring();
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_expect_eq(answer, -EMFILE, "%d", answer);
}

static int no_proc(int dirfd, const char *path, int flags)
{
	(void)dirfd, (void)path, (void)flags;
	return -ENOENT;
}

/* It cannot be seen whether there is a filter: a child asks. */
Test(sandbox, without_proc_the_filter_is_met_by_a_child)
{
	refuse(SYS_io_uring_setup, 0);
	wt_sys.openat = no_proc;
	cr_expect_eq(wt_sandbox_try_ring(), -EPERM);
}
