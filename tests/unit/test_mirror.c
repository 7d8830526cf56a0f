/* SPDX-License-Identifier: MIT */
/*
 * Files of the program's, opened once more in a real ring. Whether a mirror that writes is open is
 * asked of the kernel: it grants a read lease only on a file that nobody has open for writing.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child.h"
#include "os/sys.h"
#include "report/stats.h"
#include "ring/mirror.h"
#include "state/fdtable.h"

#define BLOCK 4096
#define NOBODY 65534

static int fd;
static struct stat st;
static enum wt_reason why;

static int open_on_ext4(const char *name, int flags)
{
	char path[512];

	if (!getenv("WT_TEST_EXT4"))
		cr_skip_test("%s", getenv("WT_TEST_EXT4_SKIP") ?: "not run by tests/with-fs");
	snprintf(path, sizeof(path), "%s/%s", getenv("WT_TEST_EXT4"), name);
	unlink(path);
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(file, 0, "%m");
	cr_assert_eq(ftruncate(file, 4 * BLOCK), 0);
	int again = open(path, flags | O_CLOEXEC);
	close(file);
	unlink(path);
	return again;
}

static struct wt_ring *take(void)
{
	struct wt_ring *ring = wt_ring_take(&why);

	if (!ring && why == WT_WHY_NO_RING)
		cr_skip_test("this machine: no io_uring");
	cr_assert_not_null(ring, "%s", wt_reason_text(why));
	return ring;
}

static void setup(void)
{
	fd = open_on_ext4("mirror", O_RDONLY);
	cr_assert_eq(wt_sys.identify(fd, &st), 0);
	wt_ring_give(take());
}

TestSuite(mirror, .init = setup, .timeout = 120);

static int get(struct wt_ring *ring, enum wt_mirror_kind kind)
{
	return wt_mirror_get(ring, kind, fd, &st, &why);
}

static void make_one_that_writes(void)
{
	struct wt_ring *ring = take();

	cr_assert_geq(get(ring, WT_MIRROR_WRITE), 0);
	wt_ring_give(ring);
}

static bool is_open_for_writing(void)
{
	bool is = fcntl(fd, F_SETLEASE, F_RDLCK) != 0;

	cr_assert(!is || errno == EAGAIN, "%m");
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return is;
}

/* The kernel may close it some time after the ring has let go. */
static bool is_closed_soon(void)
{
	for (int tries = 0; is_open_for_writing() && tries < 1000; tries++)
		usleep(10000);
	return !is_open_for_writing();
}

Test(mirror, a_file_is_opened_once_for_each_kind)
{
	struct wt_ring *ring = take();
	int before = child_count_descriptors(), slots[WT_MIRROR_KINDS];

	for (int kind = 0; kind < WT_MIRROR_KINDS; kind++) {
		slots[kind] = get(ring, kind);
		cr_assert_geq(slots[kind], 0, "%d", slots[kind]);
		for (int other = 0; other < kind; other++)
			cr_expect_neq(slots[kind], slots[other]);
	}
	for (int kind = 0; kind < WT_MIRROR_KINDS; kind++) {
		uint32_t opening = wt_mirror_opening(ring, slots[kind]);

		cr_expect_eq(get(ring, kind), slots[kind]);
		cr_expect_eq(wt_mirror_opening(ring, slots[kind]), opening);
		cr_expect_neq(opening, 0u);
	}
	cr_expect_eq(child_count_descriptors(), before);
}

static void expect_written(struct wt_ring *ring, char *bytes)
{
	static _Alignas(BLOCK) char found[BLOCK];

	memset(bytes, 'x', BLOCK);
	cr_expect_eq(wt_mirror_write(ring, get(ring, WT_MIRROR_WRITE), bytes, BLOCK, BLOCK, 0),
		     BLOCK);
	memset(found, 0, BLOCK);
	cr_expect_eq(wt_mirror_read(ring, get(ring, WT_MIRROR_READ), found, BLOCK, BLOCK), BLOCK);
	cr_expect_eq(memcmp(found, bytes, BLOCK), 0);
	cr_expect_eq(pread(fd, found, BLOCK, 0), BLOCK);
	cr_expect_eq(found[0], 0, "and nothing before it");
}

Test(mirror, what_is_written_to_it_is_in_the_file)
{
	static _Alignas(BLOCK) char bytes[BLOCK];

	expect_written(take(), bytes);
}

Test(mirror, the_ring_s_own_buffer_is_written_as_well)
{
	struct wt_ring *ring = take();

	expect_written(ring, wt_ring_bounce(ring));
}

Test(mirror, of_what_is_no_regular_file_there_is_none)
{
	struct wt_ring *ring = take();
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(wt_sys.identify(ends[1], &st), 0);
	cr_expect_eq(wt_mirror_get(ring, WT_MIRROR_PRIVATE, ends[1], &st, &why), -EINVAL);
	cr_expect_eq(why, WT_WHY_NO_MIRROR);
}

/* The number was given to another file after it was looked at. */
Test(mirror, another_file_than_was_described_is_not_taken)
{
	struct wt_ring *ring = take();
	int other = open_on_ext4("other", O_RDONLY);

	cr_expect_eq(wt_mirror_get(ring, WT_MIRROR_WRITE, other, &st, &why), -ESTALE);
	cr_expect_eq(why, WT_WHY_NO_MIRROR);
	cr_expect_eq(wt_mirror_opening(ring, 0), 0u);
	fd = other;
	cr_expect(is_closed_soon());
}

Test(mirror, a_file_with_a_lease_is_left_alone)
{
	struct wt_ring *ring = take();

	cr_assert_eq(fcntl(fd, F_SETLEASE, F_RDLCK), 0);
	cr_expect_eq(get(ring, WT_MIRROR_WRITE), -EAGAIN);
	cr_expect_eq(fcntl(fd, F_GETLEASE), F_RDLCK, "and it stays");
}

Test(mirror, one_to_wait_on_needs_no_right_to_read)
{
	if (geteuid())
		cr_skip_test("this machine: not root");
	cr_assert_eq(fchown(fd, NOBODY, NOBODY), 0);
	cr_assert_eq(fchmod(fd, 0200), 0);
	cr_assert_eq(seteuid(NOBODY), 0);
	struct wt_ring *ring = take();
	int slot = get(ring, WT_MIRROR_PRIVATE), reading = get(ring, WT_MIRROR_READ);
	int synced = slot < 0 ? slot : wt_mirror_sync(ring, slot, WT_WHOLE_FILE, true);
	cr_assert_eq(seteuid(0), 0);
	cr_expect_eq(synced, 0, "%d", synced);
	cr_expect_eq(reading, -EACCES, "%d", reading);
}

/* A closing tells who watches the file that it is complete. */
Test(mirror, the_oldest_gives_way_and_one_that_writes_last_of_all)
{
	struct wt_ring *ring = take();
	struct stat other;
	int writing = get(ring, WT_MIRROR_WRITE), oldest = get(ring, WT_MIRROR_PRIVATE);
	uint32_t openings[] = { wt_mirror_opening(ring, writing), wt_mirror_opening(ring, oldest) };

	for (int i = 0; i < WT_MIRRORS - 1; i++) {
		int file = memfd_create("other", MFD_CLOEXEC);

		cr_assert_eq(wt_sys.identify(file, &other), 0);
		cr_assert_geq(wt_mirror_get(ring, WT_MIRROR_PRIVATE, file, &other, &why), 0);
	}
	cr_expect_eq(wt_mirror_opening(ring, writing), openings[0]);
	cr_expect_neq(wt_mirror_opening(ring, oldest), openings[1]);
}

Test(mirror, the_last_closing_of_a_file_lets_it_go)
{
	make_one_that_writes();
	cr_expect(is_open_for_writing());
	wt_mirror_closing(fd);
	cr_expect(is_closed_soon());
}

static int known_duplicate(void)
{
	int duplicate = dup(fd);
	union wt_verdict verdict = { .state = WT_RULED };

	wt_fdtable_set(duplicate, verdict, 1);
	return duplicate;
}

Test(mirror, it_stays_while_another_descriptor_is_known)
{
	int duplicate = known_duplicate();

	make_one_that_writes();
	wt_mirror_closing(fd);
	cr_expect(is_open_for_writing());
	wt_mirror_closing(duplicate);
	cr_expect(is_closed_soon());
}

Test(mirror, a_closing_elsewhere_is_heeded_with_the_next_use)
{
	struct wt_ring *ring = take();
	int slot = get(ring, WT_MIRROR_WRITE);
	uint32_t opening = wt_mirror_opening(ring, slot);

	/* In the middle of a write the ring is not to be had. */
	wt_mirror_closing(fd);
	cr_expect(is_open_for_writing());
	slot = get(ring, WT_MIRROR_WRITE);
	cr_assert_geq(slot, 0);
	cr_expect_neq(wt_mirror_opening(ring, slot), opening);
}

Test(mirror, all_of_a_file_are_dropped_at_once)
{
	struct wt_ring *ring = take();
	int slots[] = { get(ring, WT_MIRROR_WRITE), get(ring, WT_MIRROR_PRIVATE) };

	wt_mirror_drop(ring, &st);
	cr_expect_eq(wt_mirror_opening(ring, slots[0]), 0u);
	cr_expect_eq(wt_mirror_opening(ring, slots[1]), 0u);
	cr_expect(is_closed_soon());
}

Test(mirror, all_are_dropped_where_the_process_leaves)
{
	make_one_that_writes();
	wt_mirror_leave();
	cr_expect(is_closed_soon());
}

static void *write_in_a_thread(void *unused)
{
	struct wt_ring *ring = wt_ring_take(&why);

	if (!ring || get(ring, WT_MIRROR_WRITE) < 0)
		return NULL;
	wt_ring_give(ring);
	return is_open_for_writing() ? &fd : unused;
}

static void run_thread(void)
{
	pthread_t thread;
	void *ret;

	cr_assert_eq(pthread_create(&thread, NULL, write_in_a_thread, NULL), 0);
	pthread_join(thread, &ret);
	cr_assert_eq(ret, (void *)&fd);
}

Test(mirror, a_thread_that_ends_drops_its_own)
{
	run_thread();
	cr_expect(is_closed_soon());
}

Test(mirror, one_that_writes_outlives_its_thread_while_the_file_is_open)
{
	int duplicate = known_duplicate();

	run_thread();
	cr_expect(is_open_for_writing());
	wt_mirror_closing(duplicate);
	cr_expect(is_closed_soon());
}

Test(mirror, no_key_of_threads_is_given_back_before_one_was_made)
{
	cr_expect_not(wt_mirror_give_key());
}

Test(mirror, a_thread_without_the_key_leaves_its_own_to_the_next_ring)
{
	make_one_that_writes();
	wt_mirror_leave();
	cr_expect(wt_mirror_give_key());
	cr_expect_not(wt_mirror_give_key());
	run_thread();
	cr_expect(is_open_for_writing());
	wt_ring_end();
	wt_ring_give(take());
	cr_expect(is_closed_soon());
}

static int close_in_child(void *unused)
{
	(void)unused;
	wt_mirror_closing(fd);
	return 0;
}

Test(mirror, what_a_child_in_this_memory_closes_is_its_own)
{
	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime makes vfork a fork");
	cr_assert_eq(wt_stats_init(1), 0);
	make_one_that_writes();
	cr_assert_eq(child_cloned(CLONE_VFORK, close_in_child, NULL, NULL), 0);
	cr_expect(is_open_for_writing());
	close_in_child(NULL);
	cr_expect(is_closed_soon());
}
