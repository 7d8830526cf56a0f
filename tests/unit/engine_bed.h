/* SPDX-License-Identifier: MIT */
/*
 * engine_bed - a real file that an engine writes to. The calls below the engine are real too, but
 * for sync_file_range, and counted; a test replaces those that it needs to fail.
 */
#ifndef ENGINE_BED_H
#define ENGINE_BED_H

#include "engine/engine.h"

struct bed {
	int fd;
	struct wt_rule rule; /* `through` */
	struct wt_filesystem fs;
	_Atomic uint64_t started;
	struct {
		int answer; /* of a sync_file_range that is not carried out */
		int calls;
		struct wt_range last;
		unsigned int last_flags;
	} range_sync;
	int fdatasyncs, fsyncs, copies;
	size_t copy_limit; /* bytes that a pwrite takes, 0 for all */
};

extern struct bed bed;

/* On a file in /var/tmp. */
void bed_make(void);

/* On one of ext4, with nothing counted; the test is skipped where there is none. */
void bed_make_on_ext4(void);

struct wt_target bed_target(const struct wt_io *io);

/* Writes so many zeros. */
ssize_t bed_write(const struct wt_engine *engine, enum wt_call call, size_t len, off_t offset,
		  struct wt_outcome *outcome);

/* Pages of the range that are not on the disk; the test is skipped where that is not counted. */
uint64_t bed_unclean(off_t offset, off_t len);

/* In the place of the table's pwritev2. */
ssize_t bed_refused_pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags);
ssize_t bed_failing_pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags);

#endif
