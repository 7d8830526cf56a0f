/* SPDX-License-Identifier: MIT */
/* Who may wait on an open file description. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/description.h"

static uint64_t number;

static void setup(void)
{
	cr_assert_eq(wt_description_init(), 0);
	number = wt_description_number(true);
}

TestSuite(description, .init = setup, .timeout = 120);

Test(description, a_number_says_whether_the_opening_was_seen)
{
	uint64_t externally_shared = wt_description_number(false);

	cr_assert_not(wt_description_is_externally_shared(number));
	cr_assert(wt_description_is_externally_shared(externally_shared));
	cr_assert(wt_description_is_externally_shared(0));
	cr_assert_neq(wt_description_number(true), number);
}

Test(description, what_was_shared_is_externally_shared)
{
	wt_description_share(number);
	cr_assert(wt_description_is_externally_shared(number));
	cr_assert_not(wt_description_is_externally_shared(wt_description_number(true)));
}

static struct wt_wait begin(void)
{
	struct wt_wait wait;

	wt_description_wait_begin(number, &wait);
	return wait;
}

Test(description, a_wait_that_was_alone_is_believed)
{
	struct wt_wait wait = begin();

	cr_assert(wait.was_alone);
	wt_description_wait_end(number, &wait, false);
	cr_assert_not(wt_description_was_shared(number, &wait));
	wait = begin();
	cr_assert(wait.was_alone, "the one before has ended");
}

Test(description, two_waits_know_of_each_other)
{
	struct wt_wait first = begin(), second = begin();

	cr_assert(first.was_alone);
	cr_assert_not(second.was_alone);
	wt_description_wait_end(number, &first, false);
	wt_description_wait_end(number, &second, false);
	cr_assert(wt_description_was_shared(number, &first));
	cr_assert(wt_description_was_shared(number, &second));
}

Test(description, only_another_that_failed_leaves_a_doubt)
{
	struct wt_wait mine = begin(), other = begin();

	wt_description_wait_end(number, &other, false);
	wt_description_wait_end(number, &mine, false);
	cr_assert_not(wt_description_others_failed(number, &mine));
	mine = begin();
	other = begin();
	wt_description_wait_end(number, &mine, false);
	wt_description_wait_end(number, &other, true);
	cr_assert(wt_description_others_failed(number, &mine));
}

static void *fail_later(void *arg)
{
	usleep(100000);
	wt_description_wait_end(number, arg, true);
	return NULL;
}

/* Another thread's wait, which ends some time after it is known. */
struct other {
	struct wt_wait wait;
	unsigned int us;
	bool fails;
	pthread_t thread;
	sem_t begun;
};

static void *wait_elsewhere(void *arg)
{
	struct other *other = arg;

	wt_description_wait_begin(number, &other->wait);
	sem_post(&other->begun);
	usleep(other->us);
	wt_description_wait_end(number, &other->wait, other->fails);
	return NULL;
}

static void begin_elsewhere(struct other *other)
{
	sem_init(&other->begun, 0, 0);
	cr_assert_eq(pthread_create(&other->thread, NULL, wait_elsewhere, other), 0);
	sem_wait(&other->begun);
}

Test(description, one_that_began_before_is_waited_for_whatever_begins_after)
{
	struct other early = { .us = 100000, .fails = true };
	struct wt_wait mine, late;

	begin_elsewhere(&early);
	mine = begin();
	wt_description_wait_end(number, &mine, false);
	cr_assert(wt_description_others_failed(number, &mine));
	late = begin();
	wt_description_wait_end(number, &late, false);
	pthread_join(early.thread, NULL);
}

Test(description, one_that_takes_long_is_waited_for)
{
	struct other slow = { .us = 1500000 };
	struct wt_wait mine;

	begin_elsewhere(&slow);
	mine = begin();
	wt_description_wait_end(number, &mine, false);
	cr_assert_not(wt_description_others_failed(number, &mine), "it succeeded in the end");
	pthread_join(slow.thread, NULL);
}

Test(description, the_threads_own_under_a_signal_handler_is_not_waited_for)
{
	struct wt_wait beneath = begin(), mine = begin();

	wt_description_wait_end(number, &mine, false);
	cr_assert_not(wt_description_others_failed(number, &mine));
	wt_description_wait_end(number, &beneath, false);
}

Test(description, one_whose_process_was_killed_is_given_up)
{
	pid_t child = fork();

	if (!child) {
		begin();
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	struct wt_wait mine = begin();
	cr_assert_not(mine.was_alone, "a forked process shares the table");
	wt_description_wait_end(number, &mine, false);
	cr_assert(wt_description_others_failed(number, &mine), "what it was told is not known");
	mine = begin();
	cr_assert(mine.was_alone);
}

static void die_waiting(void)
{
	for (int i = 0; i < 70; i++) {
		pid_t child = fork();

		if (!child) {
			begin();
			raise(SIGKILL);
		}
		waitpid(child, NULL, 0);
	}
}

Test(description, places_of_killed_processes_are_taken_over)
{
	die_waiting();
	begin();
}

Test(description, more_waits_than_places_take_turns)
{
	struct wt_wait waits[64], one_more;
	pthread_t thread;

	for (size_t i = 0; i < 64; i++)
		waits[i] = begin();
	cr_assert_eq(pthread_create(&thread, NULL, fail_later, &waits[17]), 0);
	one_more = begin();
	pthread_join(thread, NULL);
	cr_assert_eq(one_more.place, waits[17].place);
}

static void *hold_and_let(void *arg)
{
	uint32_t token = wt_description_hold_offset(number);

	*(bool *)arg = wt_description_let_offset(number, token);
	return NULL;
}

Test(description, the_offset_is_held_by_one)
{
	uint32_t token = wt_description_hold_offset(number);
	pthread_t thread;
	bool held;

	cr_assert_eq(pthread_create(&thread, NULL, hold_and_let, &held), 0);
	usleep(10000);
	cr_assert(wt_description_let_offset(number, token));
	pthread_join(thread, NULL);
	cr_assert(held);
}

Test(description, the_offset_is_taken_from_who_never_lets_it)
{
	uint32_t lost = wt_description_hold_offset(number);
	uint32_t token = wt_description_hold_offset(number);

	cr_assert_not(wt_description_let_offset(number, lost), "and is told");
	cr_assert(wt_description_let_offset(number, token));
}
