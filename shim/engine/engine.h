/* SPDX-License-Identifier: MIT */
/*
 * engine - a way to bring a write to where its level wants it.
 *
 * An engine is one file with one const struct, and has no state and no lock. It carries a write or
 * declines it. It declines only while nothing has been written. Then the whole write goes to the
 * next engine of the ladder (wt_ladder_below), which is never weaker. The last one, dsync, declines
 * nothing. If a mechanism fails after the bytes were copied, the engine itself uses a stronger one
 * (fdatasync), and says so in `fell`. Which error belongs to which write is not its concern
 * (core/attribution.h).
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

/* How a write waits for its bytes (core/attribution.h). */
enum wt_waits { WT_WAITS_ALONE, WT_WAITS_PRIVATELY, WT_WAITS_AMONG_OTHERS };

/* The file of one write, as it is known before the write. It is never changed. */
struct wt_target {
	const struct wt_rule *rule;
	struct wt_filesystem *fs;
	int fl; /* what F_GETFL says of the descriptor, asked for this write */
	bool has_offset;
	bool may_be_inline; /* the bytes may be in the inode (inline_data.h) */
	/*
	 * The alignment that O_DIRECT needs of offset and length and of memory, in bytes; 0 if
	 * O_DIRECT cannot be used.
	 */
	unsigned int dio_file_align;
	unsigned int dio_memory_align;
	/* At `async`: bytes handed to the device and not waited for since; or NULL. */
	_Atomic uint64_t *started_bytes;
	uint64_t description; /* the description's number, 0 if not known */
	uint64_t file;	      /* wt_inode_hash */
};

/* What became of a write, besides its bytes or -errno. Zeroed before, but for private_open. */
struct wt_outcome {
	/* What to wait on. NULL: the descriptor itself, also after the opening was refused. */
	const struct wt_private_open *private_open;
	enum wt_waits waits; /* for the log */
	/* Why the engine declined, or why it had to use a stronger mechanism. */
	enum wt_reason fell;

	/*
	 * Why the written bytes cannot be kept as the level wants: known of the file system before,
	 * or found when the kernel could not sync this file at all. Otherwise WT_WHY_NONE.
	 */
	enum wt_reason uncovered;
	/* The descriptor is no file, or no longer one, so there was nothing to sync. */
	bool stale;
	/* It was copied and synced in two calls, with time for a close in between. */
	bool in_two_calls;
	bool waited; /* the wait for the bytes returned, with success or an error */
	/* The error that the wait may have taken from the program's description; 0: none. */
	int took;
	off_t start; /* where the bytes are, or WT_OFFSET_NONE if that is not known */
	size_t copied;

	/* Around the copy of a write that moves the description's offset. */
	uint32_t offset_token; /* of wt_description_hold_offset, during the copy */
	off_t offset_before;
	off_t offset_after;
};

/* What `write` returns to decline. It is lower than every -errno. */
#define WT_DECLINED ((ssize_t)(-SSIZE_MAX - 1))

struct wt_engine {
	const char *name;

	/*
	 * Writes `io` at the level of target->rule. Bytes (a short count if the kernel returned
	 * one), -errno, or WT_DECLINED with outcome->fell set. After an error of the wait the
	 * description's offset is behind the bytes; the caller restores it (core/attribution.c).
	 */
	ssize_t (*write)(const struct wt_target *target, const struct wt_io *io,
			 struct wt_outcome *outcome);

	enum wt_engine_id id;

	/*
	 * It bypasses the page cache, so a cached write of what it declined excludes its direct
	 * writes (dio_exclusion.h).
	 */
	bool bypasses_cache;
};

extern const struct wt_engine wt_engine_none;
extern const struct wt_engine wt_engine_writeback;
extern const struct wt_engine wt_engine_dsync;
extern const struct wt_engine wt_engine_direct;

/*
 * The RWF_* flag that makes one write as strong as the level: RWF_DSYNC, or RWF_SYNC for `sync` and
 * for a file whose bytes may be in its inode.
 */
int wt_engine_rwf(enum wt_level level, bool may_be_inline);

/*
 * Syncs a write whose bytes are in the cache: as fsync for `sync` and for a file whose bytes may be
 * in its inode, else as fdatasync; with a private opening the range, without one the whole file. 0
 * or -errno. A file that has no sync at all (EINVAL) counts as written, and outcome->stale or
 * outcome->uncovered is set.
 */
int wt_engine_sync(const struct wt_target *target, int fd, struct wt_range range,
		   struct wt_outcome *outcome);

/*
 * The result of a write of `ret` bytes that were copied and then waited for with result `err`. Sets
 * waited and took.
 */
ssize_t wt_engine_waited(int err, ssize_t ret, struct wt_outcome *outcome);

/* The range that was copied, or the whole file if the range is not certain. */
struct wt_range wt_engine_range(const struct wt_target *target, const struct wt_outcome *outcome);

/*
 * Called after a refused sync: whether the descriptor is not the file of its verdict, but a device,
 * pipe or socket that was given the number unseen.
 */
bool wt_engine_is_stale(int fd);

/* Whether the copy itself waits on the description, because the program asked for that. */
bool wt_engine_waits_itself(const struct wt_target *target, const struct wt_io *io);

/* Copies into the page cache, as wt_io_pass. Sets the outcome's start, copied and offsets. */
ssize_t wt_engine_copy(const struct wt_target *target, const struct wt_io *io,
		       struct wt_outcome *outcome);

#endif
