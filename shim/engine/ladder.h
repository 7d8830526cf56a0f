/* SPDX-License-Identifier: MIT */
/*
 * ladder - which engine serves a file, and why. Decides on what it is told, on whether there can be
 * an io_uring, and on WT_STRICT.
 */
#ifndef WT_LADDER_H
#define WT_LADDER_H

#include <stdbool.h>

#include "engine/engine.h"

struct wt_choice {
	const struct wt_engine *engine;
	enum wt_reason reason;
	bool fell; /* the rule named another engine, which cannot serve this file */
};

/*
 * The engine for a file under `rule` on `fs`. `direct_works`: the file can be
 * written with O_DIRECT. The choice is as strong as the rule's level, but where the file system
 * lacks something for it (wt_filesystem_lacks, which is then the reason), and for WT_WHY_NO_RING,
 * where under WT_STRICT the engine that the rule names cannot be had.
 */
struct wt_choice wt_ladder_choose(const struct wt_rule *rule, struct wt_filesystem *fs,
				  bool direct_works);

/* The engine that carries what `engine` declined of a file under `rule` on `fs`. */
const struct wt_engine *wt_ladder_below(const struct wt_engine *engine, const struct wt_rule *rule,
					struct wt_filesystem *fs);

/* By its id; NULL for WT_ENGINE_AUTO. */
const struct wt_engine *wt_engine_by_id(enum wt_engine_id id);

#endif
