/* SPDX-License-Identifier: MIT */
/*
 * stats - what libwt counts for the report of one process.
 *
 * All of it lies in one anonymous mapping that the kernel wipes in a forked
 * child (MADV_WIPEONFORK), so that parent and child each report their own
 * writes, however the child was made. Counters are atomic and relaxed; no
 * lock, no allocation after wt_stats_init, usable in signal handlers. Tables
 * are of fixed size: what no longer fits is counted as lost, never dropped in
 * silence. Before wt_stats_init nothing is counted.
 */
#ifndef WT_STATS_H
#define WT_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/policy.h"

/*
 * Latency: four buckets an octave of nanoseconds, up to 18 minutes. A quantile
 * is the middle of its bucket and so within 12.5 % of the true one.
 */
#define WT_LATENCY_BUCKETS 160

struct wt_latency {
	_Atomic uint64_t buckets[WT_LATENCY_BUCKETS];
	_Atomic uint64_t max_ns;
};

/*
 * The rows of a rule: one for each engine, and one for each way in which the program has the kernel
 * carry out writes by itself. Of those only the submission is seen: no errors and no times.
 */
enum wt_row_id { WT_ROW_IO_SUBMIT = WT_ENGINES, WT_ROW_IO_URING, WT_ROWS };

/* One row of the report: a rule under an engine, or in such a way. */
struct wt_row {
	_Atomic uint64_t files;	 /* distinct files, as far as wt_stats_file could tell apart */
	_Atomic uint64_t writes; /* all that ended, the failed ones among them */
	_Atomic uint64_t bytes;
	_Atomic uint64_t errors;
	_Atomic uint64_t elided;    /* syncs that were left out */
	const char *_Atomic reason; /* why this engine: a constant, the first one given */
	struct wt_latency latency;
};

#define WT_EVENTS 128
#define WT_EVENT_PATH 256

enum wt_event_kind {
	WT_EVENT_FALL,		/* another engine, the same promise */
	WT_EVENT_NOT_COVERED,	/* a way past libwt, or nothing that could be done */
	WT_EVENT_ERRORS_SHARED, /* the level is kept, but an error may be told to another writer */
	WT_EVENT_MAY_HAPPEN,	/* not covered, if wt_stats_came_true is called; never shown */
	WT_EVENT_KINDS
};

/*
 * What happened to a file. `from`, `to` and `reason` are constants. `from` and `to` name the
 * engines of a fall and are NULL for all else; of what is not covered `reason` is the way past
 * libwt.
 */
struct wt_event {
	_Atomic bool ready; /* all but the count is there and never changes again */
	enum wt_event_kind kind;
	const char *from;
	const char *to;
	const char *reason;
	uint64_t file; /* tells files apart */
	_Atomic uint64_t count;
	char path[WT_EVENT_PATH]; /* its tail, behind "...", where it is longer */
};

/* Maps the counters for `rules` rules. 0 or -errno. */
int wt_stats_init(size_t rules);

/* A file came under a rule and an engine. The rows of this and what follows: enum wt_engine_id, or
 * enum wt_row_id. */
void wt_stats_file(size_t rule, unsigned int row_id, const char *reason, dev_t dev, ino_t ino);

/* A write ended: result is what it returned, bytes or -errno. */
void wt_stats_write(size_t rule, unsigned int row_id, ssize_t result, uint64_t ns);

/* A write of so many bytes was submitted: WT_ROW_IO_SUBMIT or WT_ROW_IO_URING. */
void wt_stats_submitted(size_t rule, unsigned int row_id, uint64_t bytes);

/* An fdatasync was left out. */
void wt_stats_elided(size_t rule, unsigned int row_id);

/*
 * An event on the file behind fd, or on one unknown (-1). The path is asked for only the first time
 * that a (file, from, to, reason) is seen.
 */
void wt_stats_event(enum wt_event_kind kind, int fd, const char *from, const char *to,
		    const char *reason);

/*
 * A program was executed, so many times, in which libwt covers nothing, which is told as a way to
 * write uncovered. `program` tells programs apart.
 */
void wt_stats_program(uint64_t program, const char path[WT_EVENT_PATH], const char *way,
		      uint64_t count);

/* An event that is no file's, as often as it is told: of a library, of the process. */
void wt_stats_event_of(enum wt_event_kind kind, const char *what, const char *reason);

/* What may happen has, to some of these files: all are told as not covered. errno stays as it is.
 */
void wt_stats_came_true(void);

/* The file behind fd has another name: what is not covered of it is told of that one as well. */
void wt_stats_renamed(int fd);

/* A path as events have it: its end, behind "...", where all of it does not fit. */
void wt_stats_shorten(char path[WT_EVENT_PATH], const char *full, int len);

/* An event of the whole process, of which no file is known, once however often it is told. */
void wt_stats_of_process(enum wt_event_kind kind, const char *reason);

/* What an event would call the file behind fd: its path, or what else is known of it. */
void wt_stats_path(int fd, char path[WT_EVENT_PATH]);

/* For the report. A row, or NULL before wt_stats_init. */
const struct wt_row *wt_stats_row(size_t rule, unsigned int row_id);

/* Event 0 .. WT_EVENTS - 1 in the order of their first time; NULL where there is none (yet). */
const struct wt_event *wt_stats_event_at(size_t index);

/* How many events, and how many openings of files, found their table full. */
uint64_t wt_stats_events_lost(enum wt_event_kind kind);
uint64_t wt_stats_files_lost(void);

/* Whether anything was counted at all. */
bool wt_stats_any(void);

/* The latency below which `per_mille` thousandths of the writes lie, in nanoseconds. */
uint64_t wt_latency_quantile_ns(const struct wt_latency *latency, unsigned int per_mille);

/* For a report: without one, the clock is not looked at where a process starts or is forked. */
void wt_stats_keep_time(void);

/* Milliseconds since then, or since the fork that made the process. */
uint64_t wt_stats_elapsed_ms(void);

/* When that was, in milliseconds since 1970; 0 where no time is kept. */
uint64_t wt_stats_started_ms(void);

/*
 * True once in a process, for the one that reports. False in a vfork child,
 * which shares its parent's memory and must not report in its place.
 */
bool wt_stats_claim_report(void);

/* The process that reported because it was about to be another program goes on after all. */
void wt_stats_unclaim_report(void);

#endif
