/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/waiter.h"

#include "base/base.h"
#include "state/inode.h"

/* As long as a sync may take on a device that fails slowly. */
#define SYNC_SECONDS_MAX 60

void wt_waiter_hold_signals(struct wt_waiter *waiter)
{
	if (!waiter->holds_signals)
		wt_sys_hold_signals(&waiter->signals);
	waiter->holds_signals = true;
}

void wt_waiter_exclude(struct wt_waiter *waiter, const struct wt_filesystem *fs)
{
	if (likely(!(fs->kind->flags & WT_FS_ONE_SYNC)))
		return;
	wt_waiter_hold_signals(waiter);
	waiter->sync_token = wt_hold_take(&wt_inode_of(waiter->file)->sync, SYNC_SECONDS_MAX);
}

void wt_waiter_include(struct wt_waiter *waiter)
{
	if (waiter->sync_token)
		wt_hold_let(&wt_inode_of(waiter->file)->sync, waiter->sync_token);
	waiter->sync_token = 0;
}

void wt_waiter_begin(struct wt_waiter *waiter)
{
	waiter->waits = true;
	wt_description_wait_begin(waiter->description, &waiter->wait);
}

void wt_waiter_end(struct wt_waiter *waiter, bool failed)
{
	if (waiter->waits)
		wt_description_wait_end(waiter->description, &waiter->wait, failed);
	waiter->waits = false;
}

void wt_waiter_leave(struct wt_waiter *waiter, bool failed)
{
	wt_waiter_end(waiter, failed);
	wt_waiter_include(waiter);
	if (waiter->holds_signals)
		wt_sys_let_signals(&waiter->signals);
	waiter->holds_signals = false;
}
