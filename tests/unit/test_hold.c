/* SPDX-License-Identifier: MIT */
/* What one thread at a time has: handed on, and taken from whoever will never let it go. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/sys.h"
#include "state/hold.h"

#define FOR_EVER 1000

static struct wt_hold *hold;

static void setup(void)
{
	void *map;

	cr_assert_eq(wt_sys_map_shared(sizeof(*hold), &map), 0);
	hold = map;
}

TestSuite(hold, .init = setup, .timeout = 120);

Test(hold, it_is_held_until_it_is_let)
{
	uint32_t token = wt_hold_take(hold, FOR_EVER);

	cr_expect_neq(token, 0u);
	cr_expect(wt_hold_let(hold, token));
	cr_expect_not(wt_hold_let(hold, token), "once");
}

static volatile int order;

static void *take_second(void *unused)
{
	uint32_t token = wt_hold_take(hold, FOR_EVER);

	cr_expect_eq(order, 1, "after the first has let it");
	wt_hold_let(hold, token);
	return unused;
}

Test(hold, another_thread_waits_for_it)
{
	uint32_t token = wt_hold_take(hold, FOR_EVER);
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, take_second, NULL), 0);
	while (!hold->waiters)
		usleep(1000);
	order = 1;
	cr_expect(wt_hold_let(hold, token));
	pthread_join(thread, NULL);
	cr_expect_eq(hold->token, 0u);
}

/* libc calls the program while it prints. */
Test(hold, the_thread_itself_takes_it_at_once)
{
	uint32_t first = wt_hold_take(hold, FOR_EVER), second = wt_hold_take(hold, FOR_EVER);

	cr_expect_neq(first, second);
	cr_expect_not(wt_hold_let(hold, first), "and who had it is told");
	cr_expect(wt_hold_let(hold, second));
}

static pid_t hold_in_a_child(void)
{
	pid_t child = fork();

	if (!child) {
		wt_hold_take(hold, FOR_EVER);
		for (;;)
			pause();
	}
	while (!hold->token)
		usleep(1000);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

Test(hold, it_is_taken_from_a_process_that_was_killed)
{
	end(hold_in_a_child());
	cr_expect(wt_hold_let(hold, wt_hold_take(hold, FOR_EVER)));
}

Test(hold, it_is_taken_from_a_process_that_is_stopped)
{
	pid_t child = hold_in_a_child();
	int status;

	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	cr_expect(wt_hold_let(hold, wt_hold_take(hold, FOR_EVER)));
	end(child);
}

Test(hold, it_is_taken_from_whoever_has_it_for_too_long)
{
	pid_t child = hold_in_a_child();

	cr_expect(wt_hold_let(hold, wt_hold_take(hold, 1)));
	end(child);
}

Test(hold, a_thread_that_runs_or_waits_is_not_gone)
{
	pid_t child = hold_in_a_child();

	cr_expect_not(wt_hold_thread_is_gone(getpid()));
	cr_expect_not(wt_hold_thread_is_gone(child));
	kill(child, SIGKILL);
	waitid(P_PID, child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	cr_expect(wt_hold_thread_is_gone(child), "though it is still to be waited for");
	waitpid(child, NULL, 0);
	cr_expect(wt_hold_thread_is_gone(child));
}
