/* SPDX-License-Identifier: MIT */
/* Direct and cached writes of a file: the direct steps aside, the cached waits. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sys.h"
#include "state/turn.h"

static struct wt_turn *turn;

static void setup(void)
{
	turn = wt_turn_of(1, 1);
	cr_assert_not_null(turn);
}

TestSuite(turn, .init = setup);

Test(turn, direct_writes_go_together)
{
	cr_assert(wt_turn_take_direct(turn));
	cr_assert(wt_turn_take_direct(turn));
}

Test(turn, a_direct_write_steps_aside_for_a_cached_one)
{
	wt_turn_take_cached(turn, true);
	cr_assert_not(wt_turn_take_direct(turn));
	wt_turn_leave_cached(turn);
	cr_assert(wt_turn_take_direct(turn));
}

static void *leave_after_a_while(void *unused)
{
	(void)unused;
	usleep(50000);
	wt_turn_leave_direct(turn);
	return NULL;
}

Test(turn, a_cached_write_waits_for_the_direct_ones_under_way)
{
	pthread_t thread;

	cr_assert(wt_turn_take_direct(turn));
	uint64_t start_ns = wt_sys_now_ns();
	pthread_create(&thread, NULL, leave_after_a_while, NULL);
	wt_turn_take_cached(turn, true);
	cr_expect_geq(wt_sys_now_ns() - start_ns, 50000000u);
	pthread_join(thread, NULL);
}

Test(turn, a_signal_handler_in_a_direct_write_does_not_wait_for_itself, .timeout = 120)
{
	cr_assert(wt_turn_take_direct(turn));
	wt_turn_take_cached(turn, false);
	wt_turn_leave_cached(turn);
	wt_turn_leave_direct(turn);
}

Test(turn, a_forked_child_waits_for_nobody)
{
	int status;

	wt_turn_take_cached(turn, true);
	pid_t child = fork();
	if (!child)
		_exit(wt_turn_take_direct(turn) ? 0 : 1);
	waitpid(child, &status, 0);
	cr_assert_eq(status, 0);
}
