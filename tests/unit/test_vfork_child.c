/* SPDX-License-Identifier: MIT */
/* Children in this process's memory, real ones, and the numbers that mean another file to them. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "os/process.h"
#include "os/raw.h"
#include "os/sys.h"
#include "os/thread.h"
#include "state/apart.h"
#include "state/fdtable.h"
#include "state/vfork_child.h"

#define FD 5
#define PLACES 64
#define ENTRIES 32

static void setup(void)
{
	void *map;

	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime makes vfork a fork");
	cr_assert_eq(wt_sys_map_wiped(sizeof(struct wt_process), &map), 0);
	wt_process_init(map, NULL);
}

TestSuite(vfork_child, .init = setup, .timeout = 120);

/* What a forked process is given of the numbers that a child had changed. */
static struct {
	int calls, fd;
	uint64_t description; /* NO_ENTRY without one */
} inherited;

#define NO_ENTRY UINT64_MAX

static void inherit(int fd, const struct wt_fd *entry)
{
	inherited.calls++;
	inherited.fd = fd;
	inherited.description = entry ? entry->description : NO_ENTRY;
}

/* In its parent's memory, which so sees what it found. */
static struct {
	struct wt_vfork_child *before, *changing, *after;
	struct wt_fd *none, *made, *again, *other;
	int apart;
} found;

static int change_one(void *unused)
{
	(void)unused;
	found.before = wt_vfork_child_self(inherit);
	found.changing = wt_vfork_child_changing();
	found.after = wt_vfork_child_self(inherit);
	found.none = wt_vfork_child_entry(found.changing, FD);
	found.made = wt_vfork_child_entry_made(found.changing, FD);
	found.again = wt_vfork_child_entry(found.changing, FD);
	found.other = wt_vfork_child_entry(found.changing, FD + 1);
	found.apart = wt_apart;
	return 0;
}

static void run(int (*body)(void *), void *arg)
{
	cr_assert_eq(child_cloned(CLONE_VFORK, body, arg, NULL), 0);
}

Test(vfork_child, the_process_itself_has_no_place)
{
	cr_expect_null(wt_vfork_child_self(inherit));
	cr_expect_null(wt_vfork_child_changing());
	cr_expect_eq(wt_apart, 0);
}

Test(vfork_child, a_child_has_a_place_from_its_first_change_on)
{
	run(change_one, NULL);
	cr_expect_null(found.before);
	cr_expect_not_null(found.changing);
	cr_expect_eq(found.after, found.changing);
	cr_expect_eq(found.apart, WT_APART_VFORK_CHILD);
}

Test(vfork_child, a_number_has_an_entry_once_it_was_changed)
{
	run(change_one, NULL);
	cr_expect_null(found.none);
	cr_expect_not_null(found.made);
	cr_expect_eq(found.again, found.made);
	cr_expect_null(found.other);
}

/* It ended as one that was killed does, without a word. */
Test(vfork_child, the_place_of_a_child_that_was_killed_is_taken_back)
{
	run(change_one, NULL);
	cr_expect_neq(wt_apart, 0);
	cr_expect_null(wt_vfork_child_self(inherit));
	cr_expect_eq(wt_apart, 0);
}

static int leave(void *unused)
{
	change_one(unused);
	wt_vfork_child_leave();
	found.after = wt_vfork_child_self(inherit);
	found.apart = wt_apart;
	return 0;
}

Test(vfork_child, a_child_that_is_about_to_execute_gives_its_place_back)
{
	run(leave, NULL);
	cr_expect_null(found.after);
	cr_expect_eq(found.apart, 0);
}

static int leave_in_vain(void *unused)
{
	leave(unused);
	wt_vfork_child_return();
	found.after = wt_vfork_child_self(inherit);
	found.again = found.after ? wt_vfork_child_entry(found.after, FD) : NULL;
	return 0;
}

Test(vfork_child, a_child_that_could_not_execute_has_its_place_again)
{
	run(leave_in_vain, NULL);
	cr_expect_eq(found.after, found.changing);
	cr_expect_eq(found.again, found.made);
}

static struct wt_fd *childs_entry;

static int have_a_child(void *unused)
{
	struct wt_vfork_child *own = wt_vfork_child_changing();

	(void)unused;
	childs_entry = wt_vfork_child_entry_made(own, FD);
	childs_entry->description = 7;
	int status = child_cloned(CLONE_VFORK, change_one, NULL, NULL);
	return status || found.before != own || wt_vfork_child_entry(own, FD) != childs_entry;
}

Test(vfork_child, a_child_of_a_child_begins_with_what_that_one_has)
{
	run(have_a_child, NULL);
	cr_expect_neq(found.changing, found.before);
	cr_assert_not_null(found.none);
	cr_expect_neq(found.none, childs_entry, "and changes its own alone");
	cr_expect_eq(found.none->description, 7u);
}

static int change_many(void *count)
{
	struct wt_vfork_child *own = wt_vfork_child_changing();

	for (int fd = 0; fd < ENTRIES + 8; fd++)
		*(int *)count += wt_vfork_child_entry_made(own, fd) != NULL;
	return !wt_vfork_child_is_full(own);
}

Test(vfork_child, a_child_that_changes_too_many_is_known_to_do_so)
{
	int count = 0;

	run(change_many, &count);
	cr_expect_eq(count, ENTRIES);
}

static int nest(void *depth)
{
	int deeper = *(int *)depth + 1;

	found.changing = wt_vfork_child_changing();
	found.apart = wt_apart;
	return deeper > PLACES ? 0 : child_cloned(CLONE_VFORK, nest, &deeper, NULL) != 0;
}

Test(vfork_child, one_child_more_than_places_knows_nothing_of_any_number)
{
	int depth = 0;

	run(nest, &depth);
	cr_assert_not_null(found.changing);
	cr_expect(wt_vfork_child_is_full(found.changing));
	cr_expect_null(wt_vfork_child_entry(found.changing, FD));
	cr_expect(found.apart & WT_APART_CROWD);
}

static bool kernel_compares(void)
{
	return !syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILES, 0, 0);
}

static int change_shared(void *unused)
{
	(void)unused;
	found.changing = wt_vfork_child_changing();
	found.apart = wt_vfork_child_may_share();
	return 0;
}

Test(vfork_child, a_child_with_the_same_descriptors_changes_those_of_the_process)
{
	if (!kernel_compares())
		cr_skip_test("this machine: no kcmp(2)");
	wt_vfork_child_cloning(CLONE_VM | CLONE_VFORK | CLONE_FILES);
	cr_assert_eq(child_cloned(CLONE_VFORK | CLONE_FILES, change_shared, NULL, NULL), 0);
	cr_expect_null(found.changing);
	run(change_shared, NULL);
	cr_expect_not_null(found.changing, "one with descriptors of its own does not");
	cr_expect_not(found.apart, "and the kernel tells which is which");
}

Test(vfork_child, where_the_kernel_does_not_compare_they_may_be_the_same)
{
	cr_expect_not(wt_vfork_child_may_share());
	wt_vfork_child_cloning(CLONE_VM | CLONE_VFORK | CLONE_FILES);
	if (!child_refuse_call(SYS_kcmp, EPERM))
		cr_skip_test("this machine: no filter of system calls");
	cr_expect(wt_vfork_child_may_share());
}

static int ask_whose(void *is_libcs)
{
	*(bool *)is_libcs = wt_thread_is_libcs();
	return 0;
}

/* A thread that shares its storage with libc's is none of libc's. */
Test(vfork_child, a_child_that_runs_beside_its_parent_is_another_thread)
{
	bool is_libcs = true;

	wt_thread_init();
	wt_vfork_child_cloning(CLONE_VM | CLONE_VFORK);
	cr_assert_eq(child_cloned(0, ask_whose, &is_libcs, NULL), 0);
	cr_expect(is_libcs, "one that its parent waits for is not looked at");
	wt_vfork_child_cloning(CLONE_VM);
	cr_assert_eq(child_cloned(0, ask_whose, &is_libcs, NULL), 0);
	cr_expect_not(is_libcs);
}

/* In a process that this one forked; what it was given goes through a pipe. */
static void look_and_tell(int end)
{
	struct wt_vfork_child *self = wt_vfork_child_self(inherit);
	uint64_t seen[] = { inherited.calls, inherited.fd, inherited.description, wt_apart };

	_exit(self || write(end, seen, sizeof(seen)) != sizeof(seen));
}

static int fork_and_read(void *seen)
{
	const ssize_t size = 4 * sizeof(uint64_t);
	int ends[2];

	if (pipe(ends))
		return 1;
	pid_t child = fork();
	if (!child)
		look_and_tell(ends[1]);
	waitpid(child, NULL, 0);
	return read(ends[0], seen, size) != size;
}

static int change_and_fork(void *seen)
{
	wt_vfork_child_entry_made(wt_vfork_child_changing(), FD)->description = 7;
	return fork_and_read(seen);
}

Test(vfork_child, a_process_that_a_child_forks_has_its_descriptors)
{
	uint64_t seen[4] = { 0 };

	run(change_and_fork, seen);
	cr_expect_eq(seen[0], 1u);
	cr_expect_eq(seen[1], (uint64_t)FD);
	cr_expect_eq(seen[2], 7u);
	cr_expect_eq(seen[3], 0u, "and no child is in its memory");
}

static int change_too_many_and_fork(void *seen)
{
	int count = 0;

	change_many(&count);
	return fork_and_read(seen);
}

Test(vfork_child, a_process_forked_by_a_child_that_changed_too_many_is_told_so)
{
	uint64_t seen[4] = { 0 };

	run(change_too_many_and_fork, seen);
	cr_expect_eq(seen[0], ENTRIES + 1u, "each that is known, and that none is");
}

static int change_and_wait(void *ends)
{
	char byte;

	wt_vfork_child_entry_made(wt_vfork_child_changing(), FD)->description = 7;
	wt_raw(SYS_write, ((int *)ends)[1], (long)"x", 1, 0, 0, 0);
	return wt_raw(SYS_read, ((int *)ends)[2], (long)&byte, 1, 0, 0, 0) != 0;
}

/* While a child has a place: what that has made of a number is the child's alone. */
Test(vfork_child, a_process_that_the_process_forks_has_nothing_of_a_child_s)
{
	static _Alignas(16) char stack[1 << 16];
	int there[2], back[2];
	uint64_t seen[4] = { 0 };
	char byte;

	cr_assert(!pipe(there) && !pipe(back));
	int ends[] = { there[0], there[1], back[0] };
	pid_t child = clone(change_and_wait, stack + sizeof(stack), CLONE_VM | SIGCHLD, ends);
	cr_assert_gt(child, 0);
	cr_assert_eq(read(there[0], &byte, 1), 1);
	cr_assert_eq(fork_and_read(seen), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_expect_eq(seen[0], 0u);
	cr_expect_eq(seen[3], 0u, "and the place is not taken in its memory");
}
