/* SPDX-License-Identifier: MIT */
/*
 * syscall(3): a system call that has an edge goes through that edge. All others go to the kernel as
 * they came.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/program_ring.h"
#include "core/resolve.h"
#include "edge/edge.h"
#include "os/raw.h"
#include "os/real.h"
#include "os/sys.h"
#include "os/thread.h"
#include "state/config.h"
#include "state/vfork_child.h"

/* libaio's function, which returns -errno. */
int io_submit(aio_context_t context, long count, struct iocb **requests);

struct arguments {
	long number, a, b, c, d, e, f;
};

static long pass(const struct arguments *in)
{
	long ret = wt_raw(in->number, in->a, in->b, in->c, in->d, in->e, in->f);

	if (likely(ret >= 0 || ret < -4095))
		return ret;
	*wt_thread_failure() = (int)-ret;
	return -1;
}

/* Calls that change what a file holds. The high half of an offset is for 32-bit kernels. */
static bool writes(const struct arguments *in, long *ret)
{
	int fd = (int)in->a;
	void *at = (void *)in->b;

	switch (in->number) {
	case SYS_write:
		*ret = write(fd, at, in->c);
		break;
	case SYS_pwrite64:
		*ret = pwrite(fd, at, in->c, in->d);
		break;
	case SYS_writev:
		*ret = writev(fd, at, (int)in->c);
		break;
	case SYS_pwritev:
		*ret = pwritev(fd, at, (int)in->c, in->d);
		break;
	case SYS_pwritev2:
		*ret = pwritev2(fd, at, (int)in->c, in->d, (int)in->f);
		break;
	case SYS_copy_file_range:
		*ret = copy_file_range(fd, at, (int)in->c, (void *)in->d, in->e, in->f);
		break;
	case SYS_sendfile:
		*ret = sendfile(fd, (int)in->b, (void *)in->c, in->d);
		break;
	case SYS_splice:
		*ret = splice(fd, at, (int)in->c, (void *)in->d, in->e, in->f);
		break;
	case SYS_ftruncate:
		*ret = ftruncate(fd, in->b);
		break;
	case SYS_truncate:
		*ret = truncate((const char *)in->a, in->b);
		break;
	case SYS_fallocate:
		*ret = fallocate(fd, (int)in->b, in->c, in->d);
		break;
	case SYS_ioctl:
		*ret = ioctl(fd, in->b, (void *)in->c);
		break;
	case SYS_mmap:
		*ret = (long)mmap((void *)in->a, in->b, (int)in->c, (int)in->d, (int)in->e, in->f);
		break;
	case SYS_mprotect:
		*ret = mprotect((void *)in->a, in->b, (int)in->c);
		break;
	case SYS_pkey_mprotect:
		*ret = pkey_mprotect((void *)in->a, in->b, (int)in->c, (int)in->d);
		break;
	case SYS_io_submit:
		*ret = wt_raw_answer(io_submit((aio_context_t)in->a, in->b, (struct iocb **)in->c));
		break;
	case SYS_io_uring_setup:
		*ret = pass(in);
		if (*ret >= 0)
			wt_program_ring_made();
		break;
	default:
		return false;
	}
	return true;
}

/*
 * openat2(2). Its flags lie in the program's memory; that they are not there is the kernel's to
 * answer.
 */
static long open_by(const struct arguments *in)
{
	const struct wt_path place = { (int)in->a, (const char *)in->b };
	struct open_how how;
	int errno_before = errno;

	if (!wt_sys_read_program(&how, (const void *)in->c, sizeof(how)))
		how = (struct open_how){ .flags = O_RDWR };
	if (wt_leave(wt_resolve_may_truncate(place.dirfd, place.path, (int)how.flags),
		     errno_before))
		return -1;
	long ret = pass(in);
	return ret < 0 ? ret : wt_edge_opened((int)ret, (int)how.flags, &place);
}

static long pass_confining(const void *call)
{
	return pass(call);
}

static bool confines(const struct arguments *in, long *ret)
{
	bool is_strict = (in->number == SYS_prctl && in->a == PR_SET_SECCOMP &&
			  in->b == SECCOMP_MODE_STRICT) ||
			 (in->number == SYS_seccomp && in->a == SECCOMP_SET_MODE_STRICT);

	if (unlikely(is_strict))
		*ret = wt_edge_confining(pass_confining, in);
	return is_strict;
}

/* Only notes what the child will share; the call goes to the kernel. */
static bool clones(const struct arguments *in)
{
	uint64_t flags;

	if (in->number == SYS_clone)
		wt_fdtable_cloning(in->a);
	else if (in->number == SYS_clone3 &&
		 wt_sys_read_program(&flags, (const void *)in->a, sizeof(flags)))
		wt_fdtable_cloning(flags);
	return false;
}

/* Calls that make, close, sync or pass on descriptors. */
static bool describes(const struct arguments *in, long *ret)
{
	int fd = (int)in->a;

	switch (in->number) {
#ifdef SYS_open
	case SYS_open:
		*ret = open((const char *)in->a, (int)in->b, (mode_t)in->c);
		break;
	case SYS_creat:
		*ret = creat((const char *)in->a, (mode_t)in->b);
		break;
	case SYS_dup2:
		*ret = dup2(fd, (int)in->b);
		break;
#endif
	case SYS_openat:
		*ret = openat(fd, (const char *)in->b, (int)in->c, (mode_t)in->d);
		break;
	case SYS_openat2:
		*ret = open_by(in);
		break;
	case SYS_close:
		*ret = close(fd);
		break;
	case SYS_close_range:
		*ret = close_range((unsigned int)in->a, (unsigned int)in->b, (int)in->c);
		break;
	case SYS_dup:
		*ret = dup(fd);
		break;
	case SYS_dup3:
		*ret = dup3(fd, (int)in->b, (int)in->c);
		break;
	case SYS_fcntl:
		*ret = fcntl(fd, (int)in->b, (void *)in->c);
		break;
	case SYS_unshare:
		*ret = unshare((int)in->a);
		break;
	case SYS_fsync:
		*ret = fsync(fd);
		break;
	case SYS_fdatasync:
		*ret = fdatasync(fd);
		break;
	case SYS_sync_file_range:
		*ret = sync_file_range(fd, in->b, in->c, (unsigned int)in->d);
		break;
	case SYS_sendmsg:
		*ret = sendmsg(fd, (void *)in->b, (int)in->c);
		break;
	case SYS_sendmmsg:
		*ret = sendmmsg(fd, (void *)in->b, (unsigned int)in->c, (int)in->d);
		break;
	default:
		return false;
	}
	return true;
}

/* Calls that change names. */
static bool names(const struct arguments *in, long *ret)
{
	const char *one = (const char *)in->a, *two = (const char *)in->b;

	switch (in->number) {
#ifdef SYS_rename
	case SYS_rename:
		*ret = rename(one, two);
		break;
	case SYS_link:
		*ret = link(one, two);
		break;
	case SYS_unlink:
		*ret = unlink(one);
		break;
#endif
	case SYS_renameat:
		*ret = renameat((int)in->a, two, (int)in->c, (const char *)in->d);
		break;
	case SYS_renameat2:
		*ret = renameat2((int)in->a, two, (int)in->c, (const char *)in->d,
				 (unsigned int)in->e);
		break;
	case SYS_linkat:
		*ret = linkat((int)in->a, two, (int)in->c, (const char *)in->d, (int)in->e);
		break;
	case SYS_unlinkat:
		*ret = unlinkat((int)in->a, two, (int)in->c);
		break;
	default:
		return false;
	}
	return true;
}

/*
 * Calls that may not return. Cancellation is not disabled for them, because a vfork child would
 * leave it so to its parent.
 */
static bool ends(const struct arguments *in, long *ret)
{
	switch (in->number) {
	case SYS_execve:
		*ret = execve((const char *)in->a, (char *const *)in->b, (char *const *)in->c);
		break;
	case SYS_execveat:
		*ret = execveat((int)in->a, (const char *)in->b, (char *const *)in->c,
				(char *const *)in->d, (int)in->e);
		break;
	case SYS_exit:
		/*
		 * The last thread ends the process too, which keeps its status safe (clone,
		 * init.c).
		 */
		if (wt_thread_is_strict() || !wt_thread_is_last())
			return false;
		_exit((int)in->a);
	case SYS_exit_group:
		_exit((int)in->a);
	default:
		return false;
	}
	return true;
}

/*
 * Carries the call out by its edge; false if it has none. Some edges are cancellation points, which
 * syscall(3) is not, so cancellation is disabled meanwhile.
 */
static bool by_edge(const struct arguments *in, long *ret)
{
	int cancel;

	if (ends(in, ret))
		return true;
	bool has_state = wt_thread_has_storage();
	if (likely(has_state))
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	bool done = writes(in, ret) || describes(in, ret) || names(in, ret) || confines(in, ret) ||
		    clones(in);
	if (likely(has_state))
		pthread_setcancelstate(cancel, NULL);
	return done;
}

/*
 * Reads as many arguments as a system call may have, as libc does. Those not passed are not used.
 */
WT_EXPORT long syscall(long number, ...)
{
	struct arguments in = { .number = number };
	va_list args;
	long ret;

	va_start(args, number);
	in.a = va_arg(args, long);
	in.b = va_arg(args, long);
	in.c = va_arg(args, long);
	in.d = va_arg(args, long);
	in.e = va_arg(args, long);
	in.f = va_arg(args, long);
	va_end(args);
	/*
	 * A library behind libwt may make mmap(2) by syscall(3), and the edge would call it again.
	 */
	if (likely(!wt_config.active) || wt_real_is_behind(__builtin_return_address(0)) ||
	    !by_edge(&in, &ret))
		return pass(&in);
	return ret;
}
