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

/* The file of one write, as it is known before; nobody changes it. */
struct wt_target {
	const struct wt_rule *rule;
	struct wt_filesystem *fs;
	int fl; /* F_GETFL of the descriptor, asked for this write */
	bool has_offset;
	bool may_be_inline;		 /* a datasync is not enough (inline_data.h) */
	unsigned int dio_file_align;	 /* O_DIRECT: bytes, 0 where it cannot be had */
	unsigned int dio_memory_align;	 /* bytes */
	_Atomic uint64_t *started_bytes; /* async; NULL where nothing is remembered */
	uint64_t description;		 /* its number, 0 where that is not known */
	uint64_t file;			 /* wt_inode_hash */
};

/* What became of a write, beside its bytes or -errno. It starts zeroed, but for private_open. */
struct wt_outcome {
	/* Where to wait; NULL: on the descriptor itself, also from when the opening is refused. */
	const struct wt_private_open *private_open;
	enum wt_waits waits; /* for the log */
	enum wt_reason fell; /* why the engine declined, or what it had to make good */

	/*
	 * Why the bytes that are written cannot be kept as the level wants: known of the file
	 * system before, or found when the kernel could not sync this file at all. WT_WHY_NONE
	 * otherwise.
	 */
	enum wt_reason uncovered;
	bool stale;	   /* the descriptor is no file (any more), so there was nothing to do */
	bool in_two_calls; /* a close between copy and sync would have deceived it */
	bool waited;	   /* the wait for the bytes answered, with success or an error */
	int took;    /* the error that it took out of the description's record, if it may have */
	off_t start; /* where the bytes are, or WT_OFFSET_NONE where that is not known */
	size_t copied;

	/* Around the copy of a write that moves the description's offset. */
	uint32_t offset_token; /* wt_description_hold_offset, while copying */
	off_t offset_before;
	off_t offset_after;
};

/* What write returns to decline: no errno is as low, and nothing was written. */
#define WT_DECLINED ((ssize_t)(-SSIZE_MAX - 1))

struct wt_engine {
	const char *name;

	/*
	 * Writes io at the level of target->rule. Bytes (short as the kernel
	 * says), -errno, or WT_DECLINED with outcome->fell set. After an error
	 * of the wait the description's offset is behind the bytes (attribution.c).
	 */
	ssize_t (*write)(const struct wt_target *target, const struct wt_io *io,
			 struct wt_outcome *outcome);

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
int wt_engine_sync(const struct wt_target *target, int fd, struct wt_range range,
		   struct wt_outcome *outcome);

/* The answer of a write of `ret` bytes, copied and then waited for with `err`. */
ssize_t wt_engine_waited(int err, ssize_t ret, struct wt_outcome *outcome);

/* The range that was copied; the whole file where it is not sure to be just that. */
struct wt_range wt_engine_range(const struct wt_target *target, const struct wt_outcome *outcome);

/*
 * After a sync call refused: whether the descriptor is not the file of its
 * verdict but a device, pipe or socket, which was given the number unseen.
 */
bool wt_engine_is_stale(int fd);

/* Whether the kernel waits on the description in the copy itself, as the program asked. */
bool wt_engine_waits_itself(const struct wt_target *target, const struct wt_io *io);

/* The copy into the page cache, as wt_io_pass, with start, copied and the offsets of target set. */
ssize_t wt_engine_copy(const struct wt_target *target, const struct wt_io *io,
		       struct wt_outcome *outcome);

#endif
