/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/submit.h"

#include <limits.h>
#include <sys/stat.h>

#include "core/resolve.h"
#include "core/sharing.h"
#include "engine/engine.h"
#include "os/sys.h"
#include "state/config.h"
#include "state/elide.h"
#include "wt.h"

/* What the file's rule adds. */
static int flag_of_rule(int fd)
{
	union wt_verdict verdict;

	if (wt_resolve_verdict(fd, &verdict) || verdict.state != WT_RULED)
		return 0;
	enum wt_level level = wt_config.policy.rules[verdict.rule].level;
	enum wt_reason lacks = wt_filesystem_lacks(wt_filesystem_at(verdict.fs), level);
	if (lacks)
		wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_reason_text(lacks));
	if (verdict.engine == WT_ENGINE_NONE)
		return 0;
	wt_elide_never(fd);
	wt_core_sharing(fd);
	if (level < WT_LEVEL_THROUGH)
		return 0;
	wt_stats_event(WT_EVENT_ERRORS_SHARED, fd, NULL, NULL, wt_reason_text(WT_WHY_SUBMITTED));
	wt_resolve_look_for_blocks(fd, &verdict);
	return wt_engine_rwf(level, verdict.may_be_inline);
}

/*
 * The verdict that a request with these flags follows: its file's, or, where that is weaker than
 * what the request asks for, one of its own. False where that cannot be kept.
 */
static bool find_verdict(int fd, int flags, union wt_verdict *verdict)
{
	enum wt_level level = wt_resolve_called_level(flags);

	*verdict = wt_fdtable_get(fd);
	return likely(!(flags & RWF_WRITETHROUGH)) || wt_resolve_is_as_strong(*verdict, level) ||
	       !wt_resolve_called(fd, level, verdict);
}

int wt_submit_flags(int fd, int flags)
{
	int added = wt_config.active ? flag_of_rule(fd) : 0;
	union wt_verdict verdict;

	if (likely(!(flags & RWF_WRITETHROUGH)))
		return flags | added;
	if (flags & (RWF_NOWAIT | RWF_DONTCACHE) || !find_verdict(fd, flags, &verdict))
		return flags;
	if (verdict.rule < wt_config.policy.rules_len)
		return added ? (flags & ~RWF_WRITETHROUGH) | added : flags;
	wt_stats_event(WT_EVENT_ERRORS_SHARED, fd, NULL, NULL, wt_reason_text(WT_WHY_SUBMITTED));
	return (flags & ~RWF_WRITETHROUGH) | added |
	       wt_engine_rwf(wt_resolve_called_level(flags), verdict.may_be_inline);
}

void wt_submit_count(int fd, int flags, enum wt_row_id row, uint64_t bytes)
{
	union wt_verdict verdict;

	if (!find_verdict(fd, flags, &verdict))
		return;
	enum wt_reason why = verdict.engine == WT_ENGINE_NONE ? verdict.reason : WT_WHY_SUBMITTED;
	struct stat st;

	if (verdict.state == WT_NO_RULE)
		wt_resolve_wrote(fd, verdict, bytes);
	if (verdict.state != WT_RULED)
		return;
	if (!wt_sys.identify(fd, &st))
		wt_stats_file(verdict.rule, row, wt_reason_text(why), st.st_dev, st.st_ino);
	wt_stats_submitted(verdict.rule, row, bytes);
}

uint64_t wt_submit_vector_bytes(const struct iovec *iov, uint64_t count)
{
	uint64_t bytes = 0;
	struct iovec piece;

	for (uint64_t i = 0; i < count && i < IOV_MAX; i++) {
		if (!wt_sys_read_program(&piece, &iov[i], sizeof(piece)))
			break;
		bytes += piece.iov_len;
	}
	return bytes;
}
