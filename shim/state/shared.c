/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/shared.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/base.h"
#include "os/sys.h"
#include "report/log.h"
#include "state/config.h"
#include "state/description.h"
#include "state/inode.h"
#include "state/pending_error.h"
#include "state/uncovered_child.h"

static _Atomic bool has_begun;

static void begin(void)
{
	static int (*const inits[])(void) = {
		wt_uncovered_child_init,
		wt_pending_error_init,
		wt_inode_init,
		wt_description_init,
	};
	int err = 0;

	if (wt_config.names)
		wt_sys_prepare_aside();
	for (size_t i = 0; i < WT_LENGTH(inits) && !err; i++)
		err = inits[i]();
	if (err)
		wt_log(WT_LOG_WARN,
		       "no memory to share with forked processes: %s; each description counts as "
		       "externally shared",
		       wt_log_errno_text(err));
}

void wt_shared_begin(void)
{
	if (unlikely(!atomic_load_explicit(&has_begun, memory_order_relaxed)) &&
	    !atomic_exchange(&has_begun, true))
		begin();
}
