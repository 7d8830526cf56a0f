/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "core/program_ring.h"
#include "core/resolve.h"
#include "core/sharing.h"
#include "os/process.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/log.h"
#include "report/report.h"
#include "report/stats.h"
#include "ring/mirror.h"
#include "state/config.h"
#include "state/description.h"
#include "state/elide.h"
#include "state/pending_error.h"
#include "state/uncovered_child.h"
#include "state/vfork_child.h"

int wt_core_closing(int fd, union wt_verdict verdict)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);
	uint64_t description = wt_fdtable_description(fd);
	int err = 0;

	if (verdict.state == WT_RULED) {
		const struct wt_rule *rule = &wt_config.policy.rules[verdict.rule];

		if (rule->level >= WT_LEVEL_THROUGH)
			wt_program_ring_look_in_time();
		if (rule->level == WT_LEVEL_ASYNC && entry && atomic_load(&entry->started_bytes))
			err = wt_sys.sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE);
		if (err == -EIO || err == -ENOSPC || err == -EDQUOT)
			wt_pending_error_keep(description, err);
		else
			err = 0;
		wt_mirror_closing(fd);
	} else if (entry && atomic_load(&entry->called)) {
		wt_mirror_closing(fd);
	}
	wt_resolve_closing(verdict);
	wt_fdtable_forget(fd);
	if (description && wt_pending_error_any() && !wt_fdtable_has(description))
		wt_pending_error_closed(description);
	return err;
}

void wt_core_leaving(void)
{
	wt_mirror_leave();
	if (!wt_process_is_vfork_child())
		wt_fdtable_each_description(wt_pending_error_closed);
	wt_vfork_child_leave();
}

void wt_core_closing_range(unsigned int first, unsigned int last)
{
	if (first > INT_MAX)
		return;
	int fd = wt_fdtable_next_ruled(first);
	if (fd >= 0)
		wt_program_ring_look_in_time();
	/* One after the other, because the last descriptor of a file counts. */
	for (; fd >= 0 && (unsigned int)fd <= last; fd = wt_fdtable_next_ruled(fd + 1)) {
		wt_mirror_closing(fd);
		wt_fdtable_forget(fd);
	}
	wt_fdtable_forget_range(first, last);
}

void wt_core_executing(void)
{
	wt_mirror_leave();
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1)) {
		int flags = wt_sys.getfd(fd);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			wt_core_sharing(fd);
	}
}

void wt_core_report(void)
{
	wt_uncovered_child_collect();
	if (!wt_config.report || wt_process_is_vfork_child())
		return;
	wt_program_ring_look();
	wt_report_write(wt_config.report, &wt_config.policy);
}

void wt_core_stderr_closing(void)
{
	if (wt_config.report && !strcmp(wt_config.report, "stderr"))
		wt_core_report();
}

void wt_core_confining(void)
{
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1))
		wt_core_noticed(fd, WT_WAY_STRICT);
	wt_log(WT_LOG_WARN, "a thread enters seccomp's strict mode, and what it writes from now on "
			    "is not covered");
	if (wt_thread_has_storage() && wt_thread_is_last())
		wt_core_report();
}
