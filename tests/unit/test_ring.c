/* SPDX-License-Identifier: MIT */
/* A thread's io_uring: made once, held by one write at a time, and gone with its thread. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "os/sys.h"
#include "os/thread.h"
#include "os/uring.h"
#include "report/stats.h"
#include "ring/ring.h"

#define KEPT_MAX 16

static enum wt_reason why;

TestSuite(ring, .timeout = 120);

static struct wt_ring *take(void)
{
	struct wt_ring *ring = wt_ring_take(&why);

	if (!ring && why == WT_WHY_NO_RING)
		cr_skip_test("this machine: no io_uring");
	cr_assert_not_null(ring, "%s", wt_reason_text(why));
	return ring;
}

static struct wt_ring *made(void)
{
	struct wt_ring *ring = take();

	wt_ring_give(ring);
	return ring;
}

static void *make(void *unused)
{
	struct wt_ring *ring = wt_ring_take(&why);

	(void)unused;
	if (ring)
		wt_ring_give(ring);
	return ring;
}

static void *in_a_thread(void *(*body)(void *))
{
	pthread_t thread;
	void *ret;

	cr_assert_eq(pthread_create(&thread, NULL, body, NULL), 0);
	pthread_join(thread, &ret);
	return ret;
}

static int run_nothing(struct wt_ring *ring)
{
	struct io_uring_sqe *sqe = wt_ring_request(ring);

	io_uring_prep_nop(sqe);
	return wt_ring_run(ring, sqe);
}

Test(ring, it_has_no_descriptor)
{
	int before = child_count_descriptors();
	uint32_t begun = wt_ring_begun();

	cr_expect_eq(run_nothing(take()), 0);
	cr_expect_eq(child_count_descriptors(), before);
	cr_expect_eq(wt_ring_begun(), begun + 1);
	cr_expect_not(wt_ring_has_descriptor());
}

Test(ring, a_thread_has_one)
{
	cr_expect_null(wt_ring_take_made());
	struct wt_ring *ring = made();
	cr_expect_eq(made(), ring);
	cr_expect_eq(wt_ring_take_made(), ring);
}

Test(ring, each_thread_has_its_own)
{
	struct wt_ring *ring = take(), *other = in_a_thread(make);

	cr_expect_not_null(other);
	cr_expect_neq(other, ring);
}

Test(ring, a_handler_finds_it_busy)
{
	struct wt_ring *ring = take();

	cr_expect(wt_ring_is_busy());
	cr_expect_null(wt_ring_take(&why));
	cr_expect_eq(why, WT_WHY_RING_BUSY);
	cr_expect_null(wt_ring_take_made());
	wt_ring_give(ring);
	cr_expect_not(wt_ring_is_busy());
	cr_expect_not_null(wt_ring_take(&why));
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
	(void)signal;
	handled++;
}

Test(ring, signals_are_held_off_until_it_is_given_back)
{
	signal(SIGUSR1, handle);
	struct wt_ring *ring = take();
	raise(SIGUSR1);
	cr_expect_eq(handled, 0);
	cr_expect_null(wt_ring_take(&why));
	cr_expect_eq(handled, 0, "a take that failed lets none through");
	wt_ring_give(ring);
	/* A sanitizer's runtime calls the handler somewhat later. */
	for (int tries = 0; !handled && tries < 1000; tries++)
		usleep(1000);
	cr_expect_eq(handled, 1);
}

/* Another's, that was left in the ring, is passed over. */
Test(ring, a_request_has_its_own_answer)
{
	struct wt_ring *ring = take();
	struct io_uring_sqe *other = wt_ring_request(ring), *sqe = wt_ring_request(ring);
	char byte;

	io_uring_prep_nop(other);
	other->user_data = 0;
	io_uring_prep_read(sqe, 1 << 20, &byte, 1, 0);
	cr_expect_eq(wt_ring_run(ring, sqe), -EBADF);
	cr_expect_eq(run_nothing(ring), 0);
}

static int looks;
static struct wt_sys real;

static int counted_openat(int dirfd, const char *path, int flags)
{
	looks++;
	return real.openat(dirfd, path, flags);
}

Test(ring, a_refusal_is_met_once)
{
	real = wt_sys;
	wt_sys.openat = counted_openat;
	if (SANITIZED || !child_refuse_call(SYS_io_uring_setup, EPERM))
		cr_skip_test("this machine: no filter of system calls");
	cr_expect_not(wt_ring_is_refused(false));
	cr_expect(wt_ring_is_refused(true));
	cr_expect_gt(looks, 0);
	looks = 0;
	cr_expect_null(wt_ring_take(&why));
	cr_expect_eq(why, WT_WHY_NO_RING);
	cr_expect_null(in_a_thread(make));
	cr_expect_eq(why, WT_WHY_NO_RING);
	cr_expect_eq(looks, 0);
	cr_expect(wt_ring_is_refused(false));
}

Test(ring, what_is_missing_for_a_moment_is_asked_for_again)
{
	struct rlimit limit, none;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ 0, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	cr_expect_null(wt_ring_take(&why));
	cr_expect_eq(why, WT_WHY_NO_RING_NOW);
	cr_expect_not(wt_ring_is_refused(false));
	setrlimit(RLIMIT_NOFILE, &limit);
	take();
}

Test(ring, that_of_a_thread_that_has_ended_is_another_s)
{
	struct wt_ring *first = in_a_thread(make);

	cr_expect_eq(made(), first);
	cr_expect_eq(run_nothing(wt_ring_take_made()), 0);
}

Test(ring, it_is_taken_down_at_the_end_of_its_thread)
{
	struct wt_ring *ring = made();

	wt_ring_end();
	cr_expect_null(wt_ring_take_made());
	cr_expect_eq(made(), ring, "and its memory is taken again");
	cr_expect_eq(run_nothing(wt_ring_take_made()), 0);
}

static int find_none_and_make(void *parents)
{
	struct wt_ring *ring;

	if (wt_ring_take_made())
		return 1;
	ring = wt_ring_take(&why);
	return !ring || run_nothing(ring) ? 2 : parents == NULL;
}

Test(ring, a_forked_child_makes_its_own)
{
	struct wt_ring *ring = made();

	cr_expect_eq(child_forked(find_none_and_make, ring), 0);
	cr_expect_eq(run_nothing(wt_ring_take_made()), 0, "and this process has its own still");
}

static int go_without(void *unused)
{
	(void)unused;
	return wt_ring_take(&why) || why != WT_WHY_NO_RING_NOW;
}

Test(ring, a_child_in_this_memory_goes_without)
{
	made();
	cr_assert_eq(wt_stats_init(1), 0);
	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime makes vfork a fork");
	cr_expect_eq(child_cloned(CLONE_VFORK, go_without, NULL, NULL), 0);
}

static _Alignas(64) char no_storage[1 << 16];

/* liburing is not made for it. */
Test(ring, a_thread_without_storage_goes_without)
{
	made();
	wt_thread_init();
	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime wants storage in every thread");
	cr_expect_eq(
		child_cloned(CLONE_SETTLS, go_without, NULL, no_storage + sizeof(no_storage) / 2),
		0);
}

Test(ring, its_buffer_is_in_whole_pages_and_stays)
{
	struct wt_ring *ring = take();
	char *bounce = wt_ring_bounce(ring);

	cr_assert_not_null(bounce);
	cr_expect_eq((uintptr_t)bounce % 4096, 0u);
	memset(bounce, 'x', WT_BOUNCE_BYTES);
	cr_expect_eq(wt_ring_bounce(ring), (void *)bounce);
	cr_expect_not(wt_ring_is_registered(ring, bounce + 1));
}

static void *keep(void *unused)
{
	struct wt_ring *ring = wt_ring_take(&why);

	(void)unused;
	bool kept = ring && wt_ring_keep(ring);
	if (ring)
		wt_ring_give(ring);
	return kept ? ring : NULL;
}

static bool goes;
static int asked_with;

static bool may_go(const struct wt_mirrors *mirrors, int closing)
{
	asked_with = mirrors ? closing : -1;
	return goes;
}

Test(ring, one_that_is_kept_outlives_its_thread_until_it_may_go)
{
	struct wt_ring *kept = in_a_thread(keep);

	cr_assert_not_null(kept);
	cr_expect_neq(in_a_thread(make), (void *)kept);
	wt_ring_end_kept(may_go, 7);
	cr_expect_eq(asked_with, 7);
	struct wt_ring *mine = made();
	cr_expect_neq(mine, kept);
	wt_ring_end();
	goes = true;
	wt_ring_end_kept(may_go, 7);
	asked_with = 0;
	wt_ring_end_kept(may_go, 7);
	cr_expect_eq(asked_with, 0, "it has gone");
}

Test(ring, so_many_are_kept_and_no_more)
{
	made();
	for (int i = 0; i < KEPT_MAX; i++)
		cr_expect_not_null(in_a_thread(keep), "%d", i);
	cr_expect_null(in_a_thread(keep));
}
