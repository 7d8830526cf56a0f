/* SPDX-License-Identifier: MIT */
#include "core/sharing.h"

#include "core/resolve.h"
#include "report/stats.h"
#include "state/description.h"
#include "state/elide.h"
#include "state/fdtable.h"

void wt_core_noticed(int fd, enum wt_way way)
{
	enum wt_event_kind kind =
		way == WT_WAY_MAY_BE_MAPPED ? WT_EVENT_MAY_HAPPEN : WT_EVENT_NOT_COVERED;
	union wt_verdict verdict;

	/* A file whose rule cannot be kept (WT_STRICT) is refused by its first write. */
	wt_resolve_verdict(fd, &verdict);
	if (verdict.state == WT_RULED)
		wt_stats_event(kind, fd, NULL, NULL, wt_way_text(way));
	wt_elide_never(fd);
	wt_core_sharing(fd);
}

void wt_core_sharing(int fd)
{
	uint64_t description = wt_fdtable_description(fd);

	if (description)
		wt_description_share(description);
}

void wt_core_sharing_all(void)
{
	for (int fd = wt_fdtable_next_ruled(0); fd >= 0; fd = wt_fdtable_next_ruled(fd + 1))
		wt_core_sharing(fd);
}
