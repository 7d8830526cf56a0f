/* SPDX-License-Identifier: MIT */
/*
 * init - start and end of the library in a process.
 *
 * Calls may come before the start, which go to the kernel bare (os/real.h), and after the end,
 * where they are covered as before because nothing is taken down.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "core/lifecycle.h"
#include "edge/bind.h"
#include "edge/edge.h"
#include "os/process.h"
#include "os/raw.h"
#include "os/real.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/log.h"
#include "report/report.h"
#include "report/stats.h"
#include "report/unruled.h"
#include "state/config.h"
#include "state/environment.h"
#include "state/shared.h"
#include "state/uncovered_child.h"
#include "state/vfork_child.h"
#include "wt.h"

static void end(void *unused)
{
	(void)unused;
	wt_edge_exiting();
	wt_core_leaving();
	wt_core_report();
}

static void forking(void)
{
	wt_shared_begin();
	wt_uncovered_child_forking();
}

/*
 * The loader initializes libwt before all other libraries (-z initfirst), so that what their
 * constructors write is covered. libc's constructor has not run by then either, so what it would
 * set is set here.
 */
static void prepare_libc(char **argv, char **envp)
{
	if (environ)
		return;
	environ = envp;
	if (argv && argv[0]) {
		char *slash = strrchr(argv[0], '/');

		program_invocation_name = argv[0];
		program_invocation_short_name = slash ? slash + 1 : argv[0];
	}
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	(void)argc;
	prepare_libc(argv, envp);
	wt_thread_init();
	wt_real_resolve();
	wt_bind_start();
	if (wt_config_load(environ))
		wt_syscall(SYS_exit_group, WT_EXIT_CONFIG);
	if (!wt_config.active && !wt_config.report)
		return;
	wt_environment_init();
	int err = wt_stats_init(wt_config.policy.rules_len + wt_config.policy.called_len);
	/* Files are covered without counters too. */
	if (err) {
		wt_log(WT_LOG_ERROR, "no memory to count in: %s; there will be no report",
		       strerror(-err));
		wt_config.report = NULL;
	}
	if (wt_config.active)
		wt_bind_tell();
	/* fsync=elide must know what happened to a file before it came under a rule. */
	if (wt_config.elides)
		wt_shared_begin();
	pthread_atfork(wt_config.active ? forking : NULL, NULL, wt_process_forked);
	/*
	 * A function that is registered before the program starts is called behind the destructors
	 * of all libraries, and before libc's last flush of streams, which libwt would not see.
	 */
	wt_real_at_exit(end, NULL, NULL);
	at_quick_exit(wt_core_report);
	if (wt_config.report) {
		wt_unruled_init();
		wt_stats_keep_time();
		wt_report_check(wt_config.report);
	}
}

/* Ends that skip destructors. errno is kept because a vfork child shares it with its parent. */
WT_EXPORT void _exit(int status)
{
	int errno_before = errno;

	wt_core_leaving();
	wt_core_report();
	errno = errno_before;
	wt_real._exit(status);
	__builtin_unreachable();
}

WT_ALIAS(_exit) void _Exit(int status);

/* libc's daemon(3) ends the parent by an internal _exit, so the report is written before. */
WT_EXPORT int daemon(int nochdir, int noclose)
{
	int errno_before = errno;

	wt_core_report();
	errno = errno_before;
	return wt_real.daemon(nochdir, noclose);
}

struct child {
	int (*function)(void *);
	void *argument;
};

static int run_child(void *at)
{
	struct child child = *(struct child *)at;
	int status = child.function(child.argument);

	/* Threads that the child made may go on. */
	if (!wt_thread_is_last())
		wt_kernel(SYS_exit, status);
	_exit(status);
}

/*
 * When its function returns, a child of clone(2) ends by exit(2) of its thread. A kernel worker of
 * libwt's ring may live a moment longer, and then the parent gets the worker's status. So the child
 * calls run_child, which ends it as a process. What run_child needs is put on the child's own
 * stack.
 */
WT_EXPORT int clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
	va_list args;

	va_start(args, argument);
	pid_t *parent_id = va_arg(args, pid_t *);
	void *tls = va_arg(args, void *);
	pid_t *child_id = va_arg(args, pid_t *);
	va_end(args);
	wt_fdtable_cloning((unsigned int)flags);
	if (!wt_config.active || flags & CLONE_VM || !function || !stack)
		return wt_real.clone(function, stack, flags, argument, parent_id, tls, child_id);
	struct child *child = (struct child *)wt_round_down((uintptr_t)stack, 16) - 1;
	*child = (struct child){ function, argument };
	return wt_real.clone(run_child, child, flags, child, parent_id, tls, child_id);
}

WT_EXPORT const char *wt_version(void)
{
	return WT_VERSION;
}
