/* SPDX-License-Identifier: MIT */
/*
 * init - start and end of the library in a process.
 *
 * Calls may come before start (they go to the kernel bare) and after the end
 * (nothing is taken down, so they go on as before).
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
 * The library is marked to be initialized before all others (-z initfirst), so that what their
 * constructors write is covered. That is before libc's own constructor: what that sets is not
 * there.
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
	int err = wt_stats_init(wt_config.policy.rules_len);
	/* Files are covered all the same. */
	if (err) {
		wt_log(WT_LOG_ERROR, "no memory to count in: %s; there will be no report",
		       strerror(-err));
		wt_config.report = NULL;
	}
	if (wt_config.active)
		wt_bind_tell();
	/* What happened to a file before it came under a rule matters there too. */
	if (wt_config.elides)
		wt_shared_begin();
	pthread_atfork(wt_config.active ? forking : NULL, NULL, wt_process_forked);
	/*
	 * What is registered before the program's start is behind the destructors of all libraries,
	 * and before libc's last flush, which is not seen.
	 */
	wt_real_at_exit(end, NULL, NULL);
	at_quick_exit(wt_core_report);
	if (wt_config.report) {
		wt_unruled_init();
		wt_stats_keep_time();
		wt_report_check(wt_config.report);
	}
}

/* Exits that skip destructors. A vfork child leaves its parent the errno that it has. */
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

/* Its parent ends by an _exit inside libc. */
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

	/* It may have made threads that go on. */
	if (!wt_thread_is_last())
		wt_kernel(SYS_exit, status);
	_exit(status);
}

/*
 * A child whose function returns ends by exit(2) of its thread. A kernel worker of libwt's ring may
 * live a moment longer, and then it is the worker's status that the parent is told: so the child
 * ends as a process. What it is called with lies on its own stack.
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
