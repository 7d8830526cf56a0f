/* SPDX-License-Identifier: MIT */
/* The choice of an engine: what serves which level where, why, and that it is never weaker. */
#include <criterion/criterion.h>
#include <linux/magic.h>

#include "base/base.h"
#include "engine/ladder.h"

#define EXT4 EXT4_SUPER_MAGIC
#define OVERLAY OVERLAYFS_SUPER_MAGIC
#define UNHEARD_OF 0x12345678

static const struct {
	uint32_t magic;
	unsigned int refused;
	enum wt_level level;
	enum wt_engine_id asked;
	bool drop, direct_works;
	enum wt_engine_id engine;
	enum wt_reason reason;
	bool fell;
} cases[] = {
	{ EXT4, 0, WT_LEVEL_ASYNC, WT_ENGINE_AUTO, false, true, WT_ENGINE_WRITEBACK,
	  WT_WHY_WRITEBACK, false },
	{ EXT4, 0, WT_LEVEL_THROUGH, WT_ENGINE_AUTO, false, true, WT_ENGINE_WRITEBACK,
	  WT_WHY_WRITEBACK, false },
	{ EXT4, 0, WT_LEVEL_DSYNC, WT_ENGINE_AUTO, false, true, WT_ENGINE_DSYNC, WT_WHY_FLUSH,
	  false },
	{ EXT4, 0, WT_LEVEL_SYNC, WT_ENGINE_AUTO, false, true, WT_ENGINE_DSYNC, WT_WHY_FLUSH,
	  false },
	{ EXT4, 0, WT_LEVEL_DSYNC, WT_ENGINE_AUTO, true, true, WT_ENGINE_DSYNC, WT_WHY_FLUSH,
	  false },
	{ EXT4, 0, WT_LEVEL_DSYNC, WT_ENGINE_AUTO, true, false, WT_ENGINE_DSYNC, WT_WHY_FLUSH,
	  false },
	{ EXT4, 0, WT_LEVEL_THROUGH, WT_ENGINE_DIRECT, false, true, WT_ENGINE_DIRECT, WT_WHY_ASKED,
	  false },
	{ EXT4, 0, WT_LEVEL_THROUGH, WT_ENGINE_DIRECT, false, false, WT_ENGINE_DSYNC,
	  WT_WHY_NO_DIRECT, true },
	{ EXT4, 0, WT_LEVEL_THROUGH, WT_ENGINE_DSYNC, false, true, WT_ENGINE_DSYNC, WT_WHY_ASKED,
	  false },
	{ EXT4, WT_REFUSED_RANGE_SYNC, WT_LEVEL_THROUGH, WT_ENGINE_AUTO, false, true,
	  WT_ENGINE_DSYNC, WT_WHY_NO_RANGE_SYNC, false },
	{ EXT4, WT_REFUSED_RANGE_SYNC, WT_LEVEL_THROUGH, WT_ENGINE_WRITEBACK, false, true,
	  WT_ENGINE_DSYNC, WT_WHY_NO_RANGE_SYNC, true },
	{ OVERLAY, 0, WT_LEVEL_THROUGH, WT_ENGINE_AUTO, false, true, WT_ENGINE_DSYNC,
	  WT_WHY_NOT_WRITEBACK, false },
	{ OVERLAY, 0, WT_LEVEL_ASYNC, WT_ENGINE_WRITEBACK, false, true, WT_ENGINE_DSYNC,
	  WT_WHY_NOT_WRITEBACK, true },
	{ UNHEARD_OF, 0, WT_LEVEL_THROUGH, WT_ENGINE_AUTO, false, false, WT_ENGINE_DSYNC,
	  WT_WHY_NOT_WRITEBACK, false },
	{ TMPFS_MAGIC, 0, WT_LEVEL_DSYNC, WT_ENGINE_DIRECT, false, true, WT_ENGINE_NONE,
	  WT_WHY_NO_DISK, false },
};

Test(choose, each_level_gets_the_engine_that_its_file_system_can_carry)
{
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		struct wt_filesystem fs = { .kind = wt_fs_kind_of(cases[i].magic),
					    .refused = cases[i].refused };
		struct wt_rule rule = { .level = cases[i].level,
					.engine = cases[i].asked,
					.cache_drop = cases[i].drop };
		struct wt_choice choice = wt_ladder_choose(&rule, &fs, cases[i].direct_works);

		cr_expect_eq(choice.engine->id, cases[i].engine, "case %zu: %s", i,
			     choice.engine->name);
		cr_expect_eq(choice.reason, cases[i].reason, "case %zu: %s", i,
			     wt_reason_text(choice.reason));
		cr_expect_eq(choice.fell, cases[i].fell, "case %zu", i);
	}
}

static const struct wt_mount unflushed = { WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH };
static const struct wt_mount ignored = { WT_WHY_VOLATILE, WT_LEVEL_OFF };
static const struct wt_mount memory = { WT_WHY_MEMORY_DISK, WT_LEVEL_OFF };
static const struct wt_mount served = { WT_WHY_SERVED, WT_LEVEL_SYNC };

static const struct {
	const struct wt_mount *mount;
	enum wt_level level;
	enum wt_engine_id asked;
	bool direct_works;
	enum wt_engine_id engine;
	enum wt_reason reason, lacks;
} mounts[] = {
	{ &unflushed, WT_LEVEL_ASYNC, WT_ENGINE_AUTO, true, WT_ENGINE_WRITEBACK, WT_WHY_WRITEBACK,
	  WT_WHY_NONE },
	{ &unflushed, WT_LEVEL_THROUGH, WT_ENGINE_AUTO, true, WT_ENGINE_WRITEBACK, WT_WHY_WRITEBACK,
	  WT_WHY_NONE },
	{ &unflushed, WT_LEVEL_DSYNC, WT_ENGINE_AUTO, true, WT_ENGINE_DSYNC, WT_WHY_NO_FLUSH,
	  WT_WHY_NO_FLUSH },
	{ &unflushed, WT_LEVEL_SYNC, WT_ENGINE_DIRECT, true, WT_ENGINE_DIRECT, WT_WHY_NO_FLUSH,
	  WT_WHY_NO_FLUSH },
	{ &unflushed, WT_LEVEL_DSYNC, WT_ENGINE_DIRECT, false, WT_ENGINE_DSYNC, WT_WHY_NO_FLUSH,
	  WT_WHY_NO_FLUSH },
	{ &ignored, WT_LEVEL_ASYNC, WT_ENGINE_AUTO, true, WT_ENGINE_NONE, WT_WHY_VOLATILE,
	  WT_WHY_VOLATILE },
	{ &ignored, WT_LEVEL_SYNC, WT_ENGINE_DIRECT, true, WT_ENGINE_NONE, WT_WHY_VOLATILE,
	  WT_WHY_VOLATILE },
	{ &memory, WT_LEVEL_THROUGH, WT_ENGINE_AUTO, true, WT_ENGINE_WRITEBACK, WT_WHY_MEMORY_DISK,
	  WT_WHY_MEMORY_DISK },
	{ &memory, WT_LEVEL_SYNC, WT_ENGINE_AUTO, true, WT_ENGINE_DSYNC, WT_WHY_MEMORY_DISK,
	  WT_WHY_MEMORY_DISK },
	{ &served, WT_LEVEL_DSYNC, WT_ENGINE_AUTO, true, WT_ENGINE_DSYNC, WT_WHY_SERVED,
	  WT_WHY_NONE },
	{ &served, WT_LEVEL_DSYNC, WT_ENGINE_DSYNC, true, WT_ENGINE_DSYNC, WT_WHY_SERVED,
	  WT_WHY_NONE },
	{ &served, WT_LEVEL_DSYNC, WT_ENGINE_DIRECT, false, WT_ENGINE_DSYNC, WT_WHY_NO_DIRECT,
	  WT_WHY_NONE },
};

/* As much as the mount has of the level is still done for it. */
Test(choose, what_a_mount_lacks_is_the_reason)
{
	for (size_t i = 0; i < WT_LENGTH(mounts); i++) {
		struct wt_filesystem fs = { .kind = wt_fs_kind_of(EXT4),
					    .mount = *mounts[i].mount };
		struct wt_rule rule = { .level = mounts[i].level, .engine = mounts[i].asked };
		struct wt_choice choice = wt_ladder_choose(&rule, &fs, mounts[i].direct_works);

		cr_expect_eq(choice.engine->id, mounts[i].engine, "case %zu: %s", i,
			     choice.engine->name);
		cr_expect_eq(choice.reason, mounts[i].reason, "case %zu: %s", i,
			     wt_reason_text(choice.reason));
		cr_expect_eq(wt_filesystem_lacks(&fs, rule.level), mounts[i].lacks, "case %zu", i);
	}
}

Test(choose, what_direct_declines_goes_to_the_cheapest_engine_of_its_level)
{
	struct wt_filesystem ext4 = { .kind = wt_fs_kind_of(EXT4) };
	struct wt_filesystem overlay = { .kind = wt_fs_kind_of(OVERLAY) };
	struct wt_rule through = { .level = WT_LEVEL_THROUGH }, dsync = { .level = WT_LEVEL_DSYNC };

	cr_expect_eq(wt_ladder_below(&wt_engine_direct, &through, &ext4), &wt_engine_writeback);
	cr_expect_eq(wt_ladder_below(&wt_engine_direct, &dsync, &ext4), &wt_engine_dsync);
	cr_expect_eq(wt_ladder_below(&wt_engine_direct, &through, &overlay), &wt_engine_dsync);
	cr_expect_eq(wt_ladder_below(&wt_engine_writeback, &through, &ext4), &wt_engine_dsync);
	wt_filesystem_refuse(&ext4, WT_REFUSED_RANGE_SYNC);
	cr_expect_eq(wt_ladder_below(&wt_engine_direct, &through, &ext4), &wt_engine_dsync);
}

Test(choose, every_engine_is_found_by_its_id)
{
	for (int id = WT_ENGINE_NONE; id < WT_ENGINES; id++)
		cr_expect_eq(wt_engine_by_id(id)->id, (enum wt_engine_id)id);
}
