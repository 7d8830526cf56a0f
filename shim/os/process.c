/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/process.h"

#include <unistd.h>

#include "base/base.h"

static struct wt_process *self;
static void (*process_begun)(void);

/* Does not look at the id first, which would cost a page fault of its own. */
void wt_process_forked(void)
{
	pid_t nobody = 0;

	if (self && atomic_compare_exchange_strong(&self->id, &nobody, getpid()) && process_begun)
		process_begun();
}

void wt_process_init(struct wt_process *wiped, void (*begun)(void))
{
	self = wiped;
	process_begun = begun;
	atomic_store(&self->executed, true);
	wt_process_forked();
}

/* A child made by a bare clone(2) comes here without an id. */
pid_t wt_process_id(void)
{
	if (unlikely(!self))
		return 0;
	if (unlikely(!atomic_load_explicit(&self->id, memory_order_relaxed)))
		wt_process_forked();
	return atomic_load_explicit(&self->id, memory_order_relaxed);
}

bool wt_process_is_vfork_child(void)
{
	pid_t process = wt_process_id();

	return process && process != getpid();
}

bool wt_process_is_fork(void)
{
	return self && !atomic_load(&self->executed);
}
