/* SPDX-License-Identifier: MIT */
/*
 * ladder - which engine serves a file, and why.
 *
 * It decides by its arguments, by whether there can be an io_uring, and by WT_STRICT. Owns nothing,
 * no lock; it carries no write.
 */
#ifndef WT_LADDER_H
#define WT_LADDER_H

#include <stdbool.h>

#include "engine/engine.h"

struct wt_choice {
	const struct wt_engine *engine;
	enum wt_reason reason;
	bool fell; /* the rule named another engine, which cannot serve the file */
};

/*
 * Chooses the engine for a file under `rule` on `fs`. `direct_works`: the file can be written with
 * O_DIRECT. The choice is as strong as the rule's level, with two exceptions: the file system lacks
 * something (wt_filesystem_lacks, which is then the reason), or under WT_STRICT the engine that the
 * rule names needs a ring that cannot be had (WT_WHY_NO_RING).
 */
struct wt_choice wt_ladder_choose(const struct wt_rule *rule, struct wt_filesystem *fs,
				  bool direct_works);

/* The engine that carries a write that `engine` declined, for a file under `rule` on `fs`. */
const struct wt_engine *wt_ladder_below(const struct wt_engine *engine, const struct wt_rule *rule,
					struct wt_filesystem *fs);

/* The engine with this id; NULL for WT_ENGINE_AUTO. */
const struct wt_engine *wt_engine_by_id(enum wt_engine_id id);

#endif
