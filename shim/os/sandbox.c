/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"

#define STACK_BYTES (32u << 10)
#define STATUS_BYTES 4096
#define FILTERS_UNKNOWN INT_MAX
#define KERNEL_SIGSET_BYTES 8

/* libc's internal name of clone(3), which nobody interposes, not even a sanitizer's runtime. */
int __clone(int (*start)(void *), void *stack, int flags, void *arg, ...);

static void *map(size_t size)
{
	void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return made == MAP_FAILED ? NULL : made;
}

/*
 * The number of seccomp filters by the text of /proc/thread-self/status. A kernel without seccomp
 * has no such field, and one before 5.9 shows no number.
 */
static int filters_of(const char *status)
{
	static const char field[] = "\nSeccomp_filters:\t";
	const char *count = strstr(status, field);

	if (strstr(status, "\nSeccomp:\t0\n"))
		return 0;
	return count ? atoi(count + sizeof(field) - 1) : FILTERS_UNKNOWN;
}

/*
 * Counts the calling thread's filters; it may be in a signal handler on a small stack. Returns
 * -errno if no descriptor is free, since then there can be no ring either.
 */
static int count_filters(void)
{
	char *status = map(STATUS_BYTES);
	int fd = status ? wt_sys_open_aside(AT_FDCWD, "/proc/thread-self/status", O_RDONLY) : -1;
	int filters = fd == -EMFILE || fd == -ENFILE ? fd : FILTERS_UNKNOWN;

	if (fd >= 0) {
		if (wt_sys.read(fd, status, STATUS_BYTES - 1) > 0)
			filters = filters_of(status);
		wt_sys.close(fd);
	}
	if (status)
		munmap(status, STATUS_BYTES);
	return filters;
}

/*
 * Before 5.16, if the child dumped core the kernel would kill all that share its memory
 * (zap_threads, fs/coredump.c). Kernels before 5.18 have no registered rings, so libwt uses no ring
 * there anyway.
 */
static bool is_too_old(void)
{
	struct utsname name;
	char *minor;

	if (uname(&name))
		return true;
	unsigned long major = strtoul(name.release, &minor, 10);
	return major < 5 || (major == 5 && (*minor != '.' || strtoul(minor + 1, NULL, 10) < 18));
}

/*
 * Keeps the kernel from dumping the program's core when the child is killed. A limit of 1 also
 * keeps it from a pipe (core(5)).
 */
static void dump_no_core(void)
{
	struct rlimit limit;

	if (wt_kernel(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &limit))
		return;
	limit.rlim_cur = limit.rlim_max ? 1 : 0;
	wt_kernel(SYS_prlimit64, 0, RLIMIT_CORE, &limit, NULL);
}

/*
 * The child. It blocks all signals, since a handler for SIGSYS would be the program's and would run
 * in the program's memory.
 */
static int try_calls(void *arg)
{
	struct io_uring_params params = { 0 };
	_Atomic int *answer = arg;
	sigset_t all;

	memset(&all, 0xff, sizeof(all));
	wt_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_BYTES);
	dump_no_core();
	long fd = wt_kernel(SYS_io_uring_setup, 1, &params);
	long err = fd < 0 ? fd : 0;
	if (!err)
		err = wt_kernel(SYS_io_uring_register, fd, IORING_UNREGISTER_FILES, NULL, 0);
	/* ENXIO says that nothing was registered: the filter let the call pass. */
	if (!err || err == -ENXIO)
		err = wt_kernel(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0);
	atomic_store(answer, err < 0 ? (int)err : 0);
	return 0;
}

static int try_in_child(void)
{
	_Atomic int answer = -EPERM; /* the answer if the child is killed */
	char *stack = map(STACK_BYTES);

	if (!stack)
		return -ENOMEM;
	pid_t child = __clone(try_calls, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, &answer);
	int err = child < 0 ? -errno : 0;
	if (!err)
		wt_kernel(SYS_wait4, child, NULL, __WCLONE, NULL);
	munmap(stack, STACK_BYTES);
	return err ? err : answer;
}

int wt_sandbox_try_ring(void)
{
	static _Atomic int allowed; /* with this many filters, all let the calls pass */
	int filters = count_filters();

	if (filters < 0)
		return filters;
	if (filters == atomic_load(&allowed))
		return 0;
	int err = is_too_old() ? -ENOSYS : try_in_child();
	if (!err)
		atomic_store(&allowed, filters);
	return err;
}
