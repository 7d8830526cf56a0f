/* SPDX-License-Identifier: MIT */
/* What threads have of a process only so many times. */
#define _GNU_SOURCE
#include <pthread.h>

#include "edge.h"
#include "mirror.h"
#include "real.h"

/* The last one, if libwt has it, is the program's. */
WT_EXPORT int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	int err = wt_real.pthread_key_create(key, destructor);

	return err == EAGAIN && wt_mirror_give_key() ? wt_real.pthread_key_create(key, destructor)
						     : err;
}
