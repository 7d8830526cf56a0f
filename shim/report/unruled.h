/* SPDX-License-Identifier: MIT */
/*
 * unruled - what was written to files that no rule matches, for the report of one process.
 *
 * Whoever forgot a file in his policy sees it there. Only where a report is wanted: else no file
 * has a place, and none of this costs anything. As in stats.h the memory is wiped in a forked
 * child, counters are relaxed atomics, there is no lock and no allocation.
 *
 * A table of WT_UNRULED_FILES paths. A path has its place in one of the sets of WT_UNRULED_SET; in
 * a full set a new path takes the place of the one with the fewest bytes, whose figures go to those
 * of all others. So a file that has lost its place was not among the ten with the most bytes. A
 * write that is counted at the same moment may be counted to the path that follows.
 *
 * Writes of streams are not counted: their fast path would get slower. Of a file that had no other
 * writes it is told how much it had grown when the stream ended.
 */
#ifndef WT_UNRULED_H
#define WT_UNRULED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WT_UNRULED_FILES 4096u
#define WT_UNRULED_SET 16u
#define WT_UNRULED_TOP 10u
#define WT_UNRULED_PATH 256

/* The place of a path. `tag` tells whether it still is this path's, and is 0 for no place. */
struct wt_unruled {
	uint16_t place;
	uint32_t tag;
};

/* Maps the table. 0 or -errno: then no file has a place. */
int wt_unruled_init(void);

/* The place of a regular file, made where it has none. None for what lies in no file system. */
struct wt_unruled wt_unruled_find(const char *path);

/* It was opened, and has that many bytes now. */
void wt_unruled_opened(struct wt_unruled file, uint64_t size);

/* A call wrote so many bytes. False where the table knows nothing of it, as in a forked child. */
bool wt_unruled_wrote(struct wt_unruled file, uint64_t bytes);

/* One of its descriptors is closed. */
void wt_unruled_closed(struct wt_unruled file);

/*
 * A stream of it ends, if this is wanted to be known: the file has that many bytes now, and will
 * have so many more by what is pending.
 */
bool wt_unruled_wants_size(struct wt_unruled file);
void wt_unruled_resized(struct wt_unruled file, uint64_t size, uint64_t pending);

/* For the report. */
struct wt_unruled_figures {
	const char *path; /* NULL: all others */
	uint64_t writes;  /* 0: by streams, or unseen; `bytes` is how much it has grown */
	uint64_t bytes;
	uint64_t files; /* 1; of the others, how many */
};

/*
 * The files with the most bytes, in that order, and behind them, where there are more, all others.
 * How many that are.
 */
size_t wt_unruled_top(struct wt_unruled_figures top[WT_UNRULED_TOP + 1]);

/* Whether any bytes were written to such a file. */
bool wt_unruled_any(void);

#endif
