/* SPDX-License-Identifier: MIT */
/* Whose memory this is, asked in processes of every kind, real ones. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "os/process.h"
#include "os/raw.h"
#include "os/sys.h"

static int beginnings;

static void count_beginning(void)
{
	beginnings++;
}

static void begin(void)
{
	void *wiped;

	cr_assert_eq(wt_sys_map_wiped(sizeof(struct wt_process), &wiped), 0);
	wt_process_init(wiped, count_beginning);
}

Test(process, before_its_start_it_has_no_id)
{
	wt_process_forked();
	cr_expect_eq(wt_process_id(), 0);
	cr_expect_not(wt_process_is_vfork_child());
	cr_expect_not(wt_process_is_fork());
}

Test(process, the_one_that_started_is_itself)
{
	begin();
	cr_expect_eq(wt_process_id(), getpid());
	cr_expect_not(wt_process_is_vfork_child());
	cr_expect_not(wt_process_is_fork());
	cr_expect_eq(beginnings, 1);
}

static int is_its_own(void *parent)
{
	return wt_process_id() != getpid() || *(pid_t *)parent == getpid() ||
	       wt_process_is_vfork_child() || !wt_process_is_fork() || beginnings != 2;
}

Test(process, a_forked_child_is_one_of_its_own)
{
	pid_t parent = getpid();

	begin();
	cr_expect_eq(child_forked(is_its_own, &parent), 0);
	cr_expect_eq(wt_process_id(), parent);
}

static int forks_and_is_its_own(void *parent)
{
	wt_process_forked();
	return is_its_own(parent);
}

Test(process, a_forked_child_begins_once)
{
	pid_t parent = getpid();

	begin();
	cr_expect_eq(child_forked(forks_and_is_its_own, &parent), 0);
}

/* Without libc's handlers of a fork. */
Test(process, a_child_of_a_bare_clone_is_one_of_its_own)
{
	pid_t parent = getpid();
	int status;

	begin();
	pid_t child = wt_raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
	if (!child)
		_exit(is_its_own(&parent));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
}

static int is_anothers(void *parent)
{
	return wt_process_id() != *(pid_t *)parent || !wt_process_is_vfork_child();
}

Test(process, a_child_in_this_memory_is_told)
{
	pid_t parent = getpid();

	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime makes vfork a fork");
	begin();
	cr_expect_eq(child_cloned(CLONE_VFORK, is_anothers, &parent, NULL), 0);
	cr_expect_eq(beginnings, 1);
}
