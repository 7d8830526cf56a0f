/* SPDX-License-Identifier: MIT */
/* Direct and cached writes of a file: the direct steps aside, the cached waits. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sys.h"
#include "state/dio_exclusion.h"

static struct wt_inode_here *inode;

static void setup(void)
{
	inode = wt_inode_here(1);
	cr_assert_not_null(inode);
}

TestSuite(dio_exclusion, .init = setup);

Test(dio_exclusion, direct_writes_go_together)
{
	cr_assert(wt_dio_exclusion_take_direct(inode));
	cr_assert(wt_dio_exclusion_take_direct(inode));
}

Test(dio_exclusion, a_direct_write_steps_aside_for_a_cached_one)
{
	wt_dio_exclusion_take_cached(inode, true);
	cr_assert_not(wt_dio_exclusion_take_direct(inode));
	wt_dio_exclusion_leave_cached(inode);
	cr_assert(wt_dio_exclusion_take_direct(inode));
}

static void *leave_after_a_while(void *unused)
{
	(void)unused;
	usleep(50000);
	wt_dio_exclusion_leave_direct(inode);
	return NULL;
}

Test(dio_exclusion, a_cached_write_waits_for_the_direct_ones_under_way)
{
	pthread_t thread;

	cr_assert(wt_dio_exclusion_take_direct(inode));
	uint64_t start_ns = wt_sys_now_ns();
	pthread_create(&thread, NULL, leave_after_a_while, NULL);
	wt_dio_exclusion_take_cached(inode, true);
	cr_expect_geq(wt_sys_now_ns() - start_ns, 50000000u);
	pthread_join(thread, NULL);
}

Test(dio_exclusion, a_signal_handler_in_a_direct_write_does_not_wait_for_itself, .timeout = 120)
{
	cr_assert(wt_dio_exclusion_take_direct(inode));
	wt_dio_exclusion_take_cached(inode, false);
	wt_dio_exclusion_leave_cached(inode);
	wt_dio_exclusion_leave_direct(inode);
}

Test(dio_exclusion, a_forked_child_waits_for_nobody)
{
	int status;

	wt_dio_exclusion_take_cached(inode, true);
	pid_t child = fork();
	if (!child)
		_exit(wt_dio_exclusion_take_direct(inode) ? 0 : 1);
	waitpid(child, &status, 0);
	cr_assert_eq(status, 0);
}
