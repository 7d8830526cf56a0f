/* SPDX-License-Identifier: MIT */
/*
 * stats - the counters of one process, for its report.
 *
 * All of them lie in one anonymous mapping that the kernel wipes in a forked child
 * (MADV_WIPEONFORK), so that parent and child report their own writes, however the child was made.
 * Counters are relaxed atomics; no lock, no allocation after wt_stats_init, usable in signal
 * handlers. Tables have a fixed size, and what does not fit is counted as lost, so that the report
 * says so. Before wt_stats_init nothing is counted.
 */
#ifndef WT_STATS_H
#define WT_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/policy.h"

/*
 * A histogram of latencies in nanoseconds: four buckets an octave, up to 18 minutes. A quantile is
 * the middle of its bucket, and so within 12.5 % of the true one.
 */
#define WT_LATENCY_BUCKETS 160

struct wt_latency {
	_Atomic uint64_t buckets[WT_LATENCY_BUCKETS];
	_Atomic uint64_t max_ns;
};

/*
 * The rows of a rule: one for each engine, and one for each interface by which the program lets the
 * kernel write by itself. Of such writes libwt sees the submission only, so they have no errors and
 * no times.
 */
enum wt_row_id { WT_ROW_IO_SUBMIT = WT_ENGINES, WT_ROW_IO_URING, WT_ROWS };

/* One row of the report: a rule together with an engine or such an interface. */
struct wt_row {
	_Atomic uint64_t files;	 /* distinct files, as long as the table of files has room */
	_Atomic uint64_t writes; /* that have ended, failed ones too */
	_Atomic uint64_t bytes;
	_Atomic uint64_t errors;
	_Atomic uint64_t elided;    /* fdatasync calls left out (fsync=elide) */
	const char *_Atomic reason; /* why this engine: a constant; the first one stays */
	struct wt_latency latency;
};

#define WT_EVENTS 128
#define WT_EVENT_PATH 256

enum wt_event_kind {
	WT_EVENT_FALL,		/* another engine carried the write, at the same level */
	WT_EVENT_NOT_COVERED,	/* a change that libwt does not see, or cannot make durable */
	WT_EVENT_ERRORS_SHARED, /* the level is kept, but another writer may get an error */
	WT_EVENT_MAY_HAPPEN,	/* not shown; NOT_COVERED after wt_stats_came_true */
	WT_EVENT_KINDS
};

/*
 * Something that happened to a file. `from`, `to` and `reason` are constants. `from` and `to` are
 * the engines of a fall, and NULL for other kinds. `reason` is a way (base/reason.h) if the kind is
 * NOT_COVERED.
 */
struct wt_event {
	_Atomic bool ready; /* set once all but the count is stored, which never changes then */
	enum wt_event_kind kind;
	const char *from;
	const char *to;
	const char *reason;
	uint64_t file; /* a key that tells files apart */
	_Atomic uint64_t count;
	char path[WT_EVENT_PATH]; /* if it is longer, its end behind "..." */
};

/* Maps the counters for `rules` rules. 0 or -errno. */
int wt_stats_init(size_t rules);

/*
 * Counts a file that came under a rule and an engine. Here and below, `row_id` is an enum
 * wt_engine_id or an enum wt_row_id.
 */
void wt_stats_file(size_t rule, unsigned int row_id, const char *reason, dev_t dev, ino_t ino);

/* Counts a write that ended with `result`, bytes or -errno, after `ns` nanoseconds. */
void wt_stats_write(size_t rule, unsigned int row_id, ssize_t result, uint64_t ns);

/* Counts a write of `bytes` bytes that was submitted: WT_ROW_IO_SUBMIT or WT_ROW_IO_URING. */
void wt_stats_submitted(size_t rule, unsigned int row_id, uint64_t bytes);

/* Counts an fdatasync that was left out. */
void wt_stats_elided(size_t rule, unsigned int row_id);

/*
 * Counts an event on the file behind `fd`, or on an unknown file (-1). The path is looked up only
 * the first time that a (file, from, to, reason) occurs.
 */
void wt_stats_event(enum wt_event_kind kind, int fd, const char *from, const char *to,
		    const char *reason);

/*
 * Counts, `count` times, the execution of a program in which libwt covers nothing, as a NOT_COVERED
 * event of the way `way`. `program` is a key that tells programs apart.
 */
void wt_stats_program(uint64_t program, const char path[WT_EVENT_PATH], const char *way,
		      uint64_t count);

/* Counts an event on something other than a file, such as a library, which `what` names. */
void wt_stats_event_of(enum wt_event_kind kind, const char *what, const char *reason);

/*
 * A read-only mapping may now be writable, and it is not known which one: all MAY_HAPPEN events
 * become NOT_COVERED. errno is unchanged.
 */
void wt_stats_came_true(void);

/* The file behind `fd` was renamed: its NOT_COVERED events are listed under the new name too. */
void wt_stats_renamed(int fd);

/* Copies a path of `len` bytes as events keep it: if it does not fit, its end behind "...". */
void wt_stats_shorten(char path[WT_EVENT_PATH], const char *full, int len);

/* Counts an event of the process as a whole, whose file is not known. */
void wt_stats_of_process(enum wt_event_kind kind, const char *reason);

/*
 * The name that an event gives the file behind `fd`: its path, or if unknown its inode and device.
 */
void wt_stats_path(int fd, char path[WT_EVENT_PATH]);

/* For the report: a row, or NULL before wt_stats_init. */
const struct wt_row *wt_stats_row(size_t rule, unsigned int row_id);

/*
 * Event 0 .. WT_EVENTS - 1, in the order in which they first occurred; NULL if there is none yet.
 */
const struct wt_event *wt_stats_event_at(size_t index);

/* How many events of a kind, and how many openings of files, found their table full. */
uint64_t wt_stats_events_lost(enum wt_event_kind kind);
uint64_t wt_stats_files_lost(void);

/* Whether anything was counted at all. */
bool wt_stats_any(void);

/* The latency in nanoseconds below which `per_mille` thousandths of the writes lie. */
uint64_t wt_latency_quantile_ns(const struct wt_latency *latency, unsigned int per_mille);

/*
 * Starts to keep time. Called if there will be a report: without one, the clock is not read when a
 * process starts or is forked.
 */
void wt_stats_keep_time(void);

/* Milliseconds since the process started or was forked; 0 if no time is kept. */
uint64_t wt_stats_elapsed_ms(void);

/* When that was, in milliseconds since 1970; 0 if no time is kept. */
uint64_t wt_stats_started_ms(void);

/*
 * Claims the writing of the report: true once in a process. False in a vfork child, which shares
 * its parent's memory and must not report in its place.
 */
bool wt_stats_claim_report(void);

/*
 * Gives the claim back: the process reported because it was to become another program, but execve
 * failed.
 */
void wt_stats_unclaim_report(void);

#endif
