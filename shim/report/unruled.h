/* SPDX-License-Identifier: MIT */
/*
 * unruled - counts what was written to files that no rule matches, for the report of one process.
 *
 * The report lists those files, so that whoever forgot one in the policy sees it. The table exists
 * only if a report is wanted; without it, no file has a place and nothing is counted. As in
 * stats.h, the memory is wiped in a forked child, counters are relaxed atomics, and there is no
 * lock and no allocation.
 *
 * The table has places for WT_UNRULED_FILES paths, in sets of WT_UNRULED_SET. A path's hash selects
 * its set. If the set is full, a new path takes the place of the one with the fewest bytes, whose
 * figures are added to those of "all others". At least 15 files had more bytes than that one, so it
 * was not among the ten that the report lists. A write that is counted while its path loses the
 * place may be counted for the new path.
 *
 * Writes of streams are not counted, because that would slow down their fast path. For a file that
 * had no other writes, the report shows by how much it had grown when the stream ended.
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

/*
 * The place of a path in the table. `tag` is part of the path's hash: it tells whether the place
 * still is this path's. A tag of 0 means no place.
 */
struct wt_unruled {
	uint16_t place;
	uint32_t tag;
};

/* Maps the table. Returns 0 or -errno; after an error no file has a place. */
int wt_unruled_init(void);

/*
 * The place of the regular file at `path`; takes one if the file has none. Files that lie in no
 * file system, such as those in /proc, get none.
 */
struct wt_unruled wt_unruled_find(const char *path);

/* The file was opened, and its size is `size` bytes now. */
void wt_unruled_opened(struct wt_unruled file, uint64_t size);

/*
 * Counts a call that wrote `bytes` bytes. False if the table of this process knows no such place,
 * as in a forked child.
 */
bool wt_unruled_wrote(struct wt_unruled file, uint64_t bytes);

/* One of the file's descriptors was closed. */
void wt_unruled_closed(struct wt_unruled file);

/*
 * For the end of a stream. wt_unruled_wants_size: whether the file's size is needed. If so, it is
 * given to wt_unruled_resized: `size` bytes now, and `pending` more that the stream still holds.
 */
bool wt_unruled_wants_size(struct wt_unruled file);
void wt_unruled_resized(struct wt_unruled file, uint64_t size, uint64_t pending);

/* One line of the report. */
struct wt_unruled_figures {
	const char *path; /* NULL for all others */
	uint64_t writes;  /* 0 if unseen, as of streams: `bytes` is how much the file has grown */
	uint64_t bytes;
	uint64_t files; /* 1, or for all others their number */
};

/*
 * Fills `top` with the files with the most bytes, in that order, and if there are more files, one
 * entry for all others behind them. Returns the number of entries.
 */
size_t wt_unruled_top(struct wt_unruled_figures top[WT_UNRULED_TOP + 1]);

/* Whether any bytes were written to a file under no rule. */
bool wt_unruled_any(void);

#endif
