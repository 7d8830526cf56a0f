/* SPDX-License-Identifier: MIT */
/*
 * What threads share: the few keys that a process may have. And what they may do: seccomp's strict
 * mode.
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "core/lifecycle.h"
#include "edge/edge.h"
#include "os/raw.h"
#include "os/real.h"
#include "ring/mirror.h"
#include "state/config.h"

/* If keys have run out and libwt has one, the program gets it. */
WT_EXPORT int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	int err = wt_real.pthread_key_create(key, destructor);

	return err == EAGAIN && wt_mirror_give_key() ? wt_real.pthread_key_create(key, destructor)
						     : err;
}

/*
 * Whether the call may succeed: strict mode is entered only if the thread is in no mode of seccomp.
 * Then it never ends, and kills the thread for any call but read, write and exit.
 */
static bool can_be_confined(void)
{
	return wt_config.active && !wt_kernel(SYS_prctl, PR_GET_SECCOMP);
}

long wt_edge_confining(long (*confine)(const void *call), const void *call)
{
	int errno_before = errno;

	if (!can_be_confined())
		return confine(call);
	wt_core_confining();
	errno = errno_before;
	bool has_storage = wt_thread_has_storage();
	long ret = confine(call);
	if (!ret)
		wt_fdtable_pass_all(has_storage);
	return ret;
}

struct prctl {
	int option;
	long b, c, d, e;
};

static long pass_prctl(const void *call)
{
	const struct prctl *p = call;

	return wt_real.prctl(p->option, p->b, p->c, p->d, p->e);
}

/* Reads as many arguments as the call may have, as libc does. Those not passed are not used. */
WT_EXPORT int prctl(int option, ...)
{
	struct prctl p = { .option = option };
	va_list args;

	va_start(args, option);
	p.b = va_arg(args, long);
	p.c = va_arg(args, long);
	p.d = va_arg(args, long);
	p.e = va_arg(args, long);
	va_end(args);
	if (unlikely(option == PR_SET_SECCOMP && p.b == SECCOMP_MODE_STRICT))
		return (int)wt_edge_confining(pass_prctl, &p);
	return (int)pass_prctl(&p);
}
