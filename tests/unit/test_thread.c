/* SPDX-License-Identifier: MIT */
/* What is known of the calling thread: threads of libc and of clone(2), with real ones. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "os/raw.h"
#include "os/thread.h"
#include "os/uring.h"

static void setup(void)
{
	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime wants storage in every thread");
}

TestSuite(thread, .init = setup, .timeout = 120);

static void *run(void *body)
{
	return (void *)(uintptr_t)((bool (*)(void))(uintptr_t)body)();
}

static bool in_a_thread(bool (*body)(void))
{
	pthread_t thread;
	void *ret;

	cr_assert_eq(pthread_create(&thread, NULL, run, (void *)(uintptr_t)body), 0);
	pthread_join(thread, &ret);
	return ret;
}

static uintptr_t others_pointer;

static bool note_pointer(void)
{
	others_pointer = wt_thread_pointer();
	return wt_thread_has_storage() && wt_thread_is_libcs();
}

/* Without the instruction, which is used from wt_thread_init on, a system call tells. */
Test(thread, each_thread_of_libc_has_a_storage_of_its_own)
{
	for (int i = 0; i < 2; i++) {
		cr_expect(in_a_thread(note_pointer));
		cr_expect_neq(others_pointer, wt_thread_pointer());
		cr_expect_eq(wt_thread_pointer(), (uintptr_t)pthread_self());
		cr_expect(wt_thread_has_storage());
		cr_expect(wt_thread_is_libcs());
		wt_thread_init();
	}
}

Test(thread, errno_is_the_threads)
{
	wt_thread_init();
	cr_expect_eq(wt_thread_errno(), &errno);
	cr_expect_eq(wt_thread_failure(), &errno);
}

struct answers {
	bool has_storage, is_libcs;
	int *kept, *failure;
};

/* In a thread that may have no storage: nothing here calls libc. */
static int ask(void *arg)
{
	struct answers *answers = arg;

	answers->has_storage = wt_thread_has_storage();
	answers->is_libcs = wt_thread_is_libcs();
	answers->kept = wt_thread_errno();
	answers->failure = wt_thread_failure();
	return 0;
}

/* Enough of nothing around the thread pointer for what a compiler looks up there. */
static _Alignas(64) char no_storage[1 << 16];

Test(thread, a_thread_without_storage_is_told)
{
	struct answers answers = { .has_storage = true, .is_libcs = true };
	char *pointer = no_storage + sizeof(no_storage) / 2;

	wt_thread_init();
	cr_assert_eq(child_cloned(CLONE_SETTLS, ask, &answers, pointer), 0);
	cr_expect_not(answers.has_storage);
	cr_expect_not(answers.is_libcs);
	cr_expect_neq(answers.kept, &errno);
	cr_expect_eq((char *)answers.failure - pointer,
		     (char *)&errno - (char *)wt_thread_pointer(),
		     "where libc would leave an error");
}

Test(thread, a_thread_with_its_makers_storage_is_not_libc_s)
{
	struct answers answers = { .is_libcs = true };

	wt_thread_init();
	wt_thread_cloning();
	cr_assert_eq(child_cloned(0, ask, &answers, NULL), 0);
	cr_expect(answers.has_storage);
	cr_expect_not(answers.is_libcs);
	cr_expect(wt_thread_is_libcs(), "and this one is as before");
}

static int ask_strictly(void *says)
{
	if (*(bool *)says)
		wt_thread_become_strict(true);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		wt_raw(SYS_exit, 3, 0, 0, 0, 0, 0);
	bool knows = wt_thread_has_storage() && wt_thread_is_strict();
	wt_raw(SYS_exit, !knows, 0, 0, 0, 0, 0);
	return 0;
}

/* Any other call than read, write and _exit kills; where nothing is known, one is made. */
Test(thread, a_strict_thread_is_known_without_a_system_call)
{
	bool says = true;
	int status = child_forked(ask_strictly, &says);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		cr_skip_test("this machine: seccomp's strict mode is not to be had");
	cr_expect_eq(status, 0, "%x", status);
	says = false;
	status = child_forked(ask_strictly, &says);
	cr_expect(WIFSIGNALED(status), "it tells nothing where nothing was said");
}

static bool is_strict(void)
{
	return wt_thread_is_strict();
}

Test(thread, one_strict_thread_leaves_the_others_free)
{
	cr_expect_not(wt_thread_is_strict());
	wt_thread_become_strict(true);
	cr_expect(wt_thread_is_strict());
	cr_expect_not(in_a_thread(is_strict));
}

static struct {
	sem_t begun;
	int type, ends;
} act;

static void act_for_ever(void *unused)
{
	(void)unused;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &act.type);
	sem_post(&act.begun);
	for (;;)
		pause();
}

static void act_at_once(void *unused)
{
	(void)unused;
}

static void end(void *unused)
{
	(void)unused;
	act.ends++;
}

static void *run_for_ever(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	wt_thread_run(act_for_ever, end, NULL);
	return unused;
}

Test(thread, what_is_cancelled_at_a_point_of_cancellation_is_ended)
{
	pthread_t thread;
	void *ret;

	sem_init(&act.begun, 0, 0);
	pthread_create(&thread, NULL, run_for_ever, NULL);
	sem_wait(&act.begun);
	pthread_cancel(thread);
	pthread_join(thread, &ret);
	cr_expect_eq(ret, PTHREAD_CANCELED);
	cr_expect_eq(act.ends, 1);
	cr_expect_eq(act.type, PTHREAD_CANCEL_DEFERRED, "whatever the thread has asked for");
}

Test(thread, what_runs_to_its_end_leaves_the_way_of_cancellation_as_it_was)
{
	int type;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	wt_thread_run(act_at_once, end, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	cr_expect_eq(type, PTHREAD_CANCEL_ASYNCHRONOUS);
	cr_expect_eq(act.ends, 1);
}

static int run_without_storage(void *unused)
{
	wt_thread_run(act_at_once, end, unused);
	return 0;
}

Test(thread, a_thread_without_storage_runs_to_its_end)
{
	wt_thread_init();
	cr_assert_eq(child_cloned(CLONE_SETTLS, run_without_storage, NULL,
				  no_storage + sizeof(no_storage) / 2),
		     0);
	cr_expect_eq(act.ends, 1);
}

static void *wait_for(void *ends)
{
	char byte;

	return (void *)read(*(int *)ends, &byte, 1);
}

/* A child of fork(2) begins with one thread. */
static int is_last_by_itself(void *unused)
{
	pthread_t thread;
	int ends[2];

	(void)unused;
	if (!wt_thread_is_last())
		return 1;
	if (pipe(ends) || pthread_create(&thread, NULL, wait_for, ends))
		return 2;
	if (wt_thread_is_last())
		return 3;
	close(ends[1]);
	pthread_join(thread, NULL);
	errno = 77;
	return wt_thread_is_last() && errno == 77 ? 0 : 4;
}

Test(thread, the_last_thread_is_the_one_that_runs_alone)
{
	int status = child_forked(is_last_by_itself, NULL);

	cr_expect_eq(status, 0, "step %d", WEXITSTATUS(status));
}

static int count_tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static int is_last_beside_a_worker(void *unused)
{
	struct io_uring_params params = { 0 };
	struct io_uring uring;
	char byte;
	int ends[2];

	(void)unused;
	if (pipe(ends) || io_uring_queue_init_params(4, &uring, &params))
		return 77;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);
	io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
	sqe->flags |= IOSQE_ASYNC;
	if (io_uring_submit_and_wait(&uring, 0) != 1)
		return 77;
	for (int tries = 0; tries < 1000 && count_tasks() < 2; tries++)
		usleep(1000);
	if (count_tasks() < 2)
		return 2;
	return !wt_thread_is_last();
}

Test(thread, a_worker_of_the_kernel_is_no_thread)
{
	int status = child_forked(is_last_beside_a_worker, NULL);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		cr_skip_test("this machine: no io_uring");
	cr_expect_eq(status, 0, "step %d", WEXITSTATUS(status));
}

/* As libc would find it in a process with one thread; Criterion has made another one here. */
static bool is_only(bool has_one)
{
	char before = __libc_single_threaded;

	__libc_single_threaded = has_one;
	bool answer = wt_thread_is_only();
	__libc_single_threaded = before;
	return answer;
}

Test(thread, one_is_the_only_thread_until_another_was_asked_for)
{
	cr_expect_not(is_only(false));
	cr_expect(is_only(true));
	wt_thread_cloning();
	cr_expect_not(is_only(true));
}
