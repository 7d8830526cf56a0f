/* SPDX-License-Identifier: MIT */
/*
 * engine - a way to bring a write to where its level wants it.
 *
 * An engine is one file with one const struct. It either carries a write or
 * declines it; it declines only while nothing has been written, and then the
 * next engine of the ladder (wt_ladder_below), which is never weaker, gets it
 * whole. The last, dsync, does not decline. A mechanism
 * that fails after the bytes were copied is made good on the spot by a stronger
 * one (fdatasync) and named in `fell`.
 */
#ifndef WT_ENGINE_H
#define WT_ENGINE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/policy.h"
#include "base/reason.h"
#include "os/io.h"
#include "ring/private_open.h"
#include "state/description.h"
#include "state/filesystem.h"

/* Where a write waits for its bytes (attribution.h). */
enum wt_waits { WT_WAITS_ALONE, WT_WAITS_PRIVATELY, WT_WAITS_AMONG_OTHERS };

/* What an engine needs to know of the file that it writes to. */
struct wt_target {
	const struct wt_rule *rule;
	struct wt_filesystem *fs;
	int fl; /* F_GETFL of the descriptor, asked for this write */
	bool has_offset;
	bool may_be_inline;	     /* a datasync is not enough (inline_data.h) */
	unsigned int dio_file_align; /* O_DIRECT: bytes, 0 where it cannot be had */
	unsigned int dio_memory_align;
	_Atomic uint64_t *started_bytes; /* async; NULL where nothing is remembered */
	struct wt_description *description;
	uint64_t file;				    /* wt_inode_hash */
	const struct wt_private_open *private_open; /* to wait on; NULL: on the descriptor itself */
	enum wt_reason fell;   /* out: why it declined, or what it had to make good */
	enum wt_waits waits;   /* out: for the log */
	uint32_t offset_token; /* out: wt_description_hold_offset, while copying */
	bool in_two_calls;     /* out: a close between copy and sync would have deceived it */
	bool stale; /* out: the descriptor is no file (any more), so there was nothing to do */

	/*
	 * Why the bytes that are written cannot be kept as the level wants: known of the file
	 * system before, or found when the kernel could not sync this file at all. WT_WHY_NONE
	 * otherwise.
	 */
	enum wt_reason uncovered;

	/*
	 * Out: the wait for the bytes answered, with success or an error; the error that it took
	 * out of the description's record, if it may have; where the bytes are as far as it is
	 * known (WT_OFFSET_NONE), and how many.
	 */
	bool waited;
	int took;
	off_t start;
	size_t copied;

	/* Out: where the description's offset was around the copy, for a write that moves it. */
	off_t offset_before;
	off_t offset_after;
};

/* What write returns to decline: no errno is as low, and nothing was written. */
#define WT_DECLINED ((ssize_t)(-SSIZE_MAX - 1))

struct wt_engine {
	const char *name;

	/*
	 * Writes io at the level of target->rule. Bytes (short as the kernel
	 * says), -errno, or WT_DECLINED with target->fell set. After an error
	 * of the wait the description's offset is behind the bytes (attribution.c).
	 */
	ssize_t (*write)(struct wt_target *target, const struct wt_io *io);

	enum wt_engine_id id;

	/* It goes around the page cache, so what it declines takes turns with it (dio_exclusion.h).
	 */
	bool bypasses_cache;
};

extern const struct wt_engine wt_engine_none;
extern const struct wt_engine wt_engine_writeback;
extern const struct wt_engine wt_engine_dsync;
extern const struct wt_engine wt_engine_direct;

/*
 * The RWF_* flag that makes one write as strong as a level: RWF_DSYNC or RWF_SYNC, which it takes
 * for a file whose bytes may lie in its inode.
 */
int wt_engine_rwf(enum wt_level level, bool may_be_inline);

/*
 * Completes a write whose bytes are in the cache: fsync for `sync` and for what may lie in its
 * inode, fdatasync for all else, of the range with a private opening and of the whole file without.
 * 0 or -errno. A file that has no sync at all (EINVAL) is `stale` or `uncovered` afterwards, and
 * the write was carried out all the same.
 */
int wt_engine_sync(struct wt_target *target, int fd, struct wt_range range);

/* The answer of a write of `ret` bytes, copied and then waited for with `err`. */
ssize_t wt_engine_waited(struct wt_target *target, int err, ssize_t ret);

/* The range that was copied; the whole file where it is not sure to be just that. */
struct wt_range wt_engine_range(const struct wt_target *target);

/*
 * After a sync call refused: whether the descriptor is not the file of its
 * verdict but a device, pipe or socket, which was given the number unseen.
 */
bool wt_engine_is_stale(int fd);

/* Whether the kernel waits on the description in the copy itself, as the program asked. */
bool wt_engine_waits_itself(const struct wt_target *target, const struct wt_io *io);

/* The copy into the page cache, as wt_io_pass, with start, copied and the offsets of target set. */
ssize_t wt_engine_copy(struct wt_target *target, const struct wt_io *io);

#endif
