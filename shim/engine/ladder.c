/* SPDX-License-Identifier: MIT */
#include "engine/ladder.h"

#include "ring/ring.h"
#include "state/config.h"

const struct wt_engine *wt_engine_by_id(enum wt_engine_id id)
{
	static const struct wt_engine *const engines[WT_ENGINES] = {
		[WT_ENGINE_NONE] = &wt_engine_none,
		[WT_ENGINE_WRITEBACK] = &wt_engine_writeback,
		[WT_ENGINE_DSYNC] = &wt_engine_dsync,
		[WT_ENGINE_DIRECT] = &wt_engine_direct,
	};

	return engines[id];
}

/* What keeps an engine from serving the file; WT_WHY_NONE if nothing does. */
static enum wt_reason obstacle(enum wt_engine_id id, struct wt_filesystem *fs, bool direct_works)
{
	if (id == WT_ENGINE_WRITEBACK && !(fs->kind->flags & WT_FS_WRITEBACK))
		return WT_WHY_NOT_WRITEBACK;
	if (id == WT_ENGINE_WRITEBACK && wt_filesystem_refused(fs, WT_REFUSED_RANGE_SYNC))
		return WT_WHY_NO_RANGE_SYNC;
	if (id == WT_ENGINE_DIRECT && !direct_works)
		return WT_WHY_NO_DIRECT;
	/* Under WT_STRICT the kernel is asked now; else only before the first write. */
	if (id == WT_ENGINE_DIRECT && wt_ring_is_refused(wt_config.strict))
		return WT_WHY_NO_RING;
	return WT_WHY_NONE;
}

/*
 * The engine for a rule that names none. It is never direct: a mapping or another process that
 * writes the file through the cache would make the kernel report false errors (dio_exclusion.h). A
 * rule that names direct was written by somebody who knows the file.
 */
static struct wt_choice automatic(const struct wt_rule *rule, struct wt_filesystem *fs)
{
	if (rule->level >= WT_LEVEL_DSYNC)
		return (struct wt_choice){ &wt_engine_dsync, WT_WHY_FLUSH, false };
	enum wt_reason why = obstacle(WT_ENGINE_WRITEBACK, fs, false);
	if (why)
		return (struct wt_choice){ &wt_engine_dsync, why, false };
	return (struct wt_choice){ &wt_engine_writeback, WT_WHY_WRITEBACK, false };
}

/* The engine by the rule and by what the engines can do. */
static struct wt_choice able(const struct wt_rule *rule, struct wt_filesystem *fs,
			     bool direct_works)
{
	if (rule->engine == WT_ENGINE_AUTO)
		return automatic(rule, fs);

	enum wt_reason why = obstacle(rule->engine, fs, direct_works);
	if (why == WT_WHY_NO_RING && wt_config.strict)
		return (struct wt_choice){ &wt_engine_none, why, false };
	if (why)
		return (struct wt_choice){ &wt_engine_dsync, why, true };
	return (struct wt_choice){ wt_engine_by_id(rule->engine), WT_WHY_ASKED, false };
}

/*
 * If nothing can reach a disk, no engine is used. A disk that is memory or is never flushed still
 * gets an engine: that keeps more than there is without libwt, if less than was asked for.
 */
struct wt_choice wt_ladder_choose(const struct wt_rule *rule, struct wt_filesystem *fs,
				  bool direct_works)
{
	enum wt_reason lacks = wt_filesystem_lacks(fs, rule->level);

	if (wt_filesystem_is_hopeless(lacks))
		return (struct wt_choice){ &wt_engine_none, lacks, false };
	struct wt_choice choice = able(rule, fs, direct_works);
	if (lacks || (fs->mount.why && fs->mount.keeps == WT_LEVEL_SYNC && !choice.fell))
		choice.reason = fs->mount.why;
	return choice;
}

const struct wt_engine *wt_ladder_below(const struct wt_engine *engine, const struct wt_rule *rule,
					struct wt_filesystem *fs)
{
	if (engine->id == WT_ENGINE_DIRECT && rule->level <= WT_LEVEL_THROUGH &&
	    !obstacle(WT_ENGINE_WRITEBACK, fs, false))
		return &wt_engine_writeback;
	return &wt_engine_dsync;
}
