/* SPDX-License-Identifier: MIT */
/*
 * disk-errors - writes to a file while its disk fails, as a seed says, and holds every return value
 * against what is on the disk. Two roles of one program:
 *
 *   disk-errors write SEED BOARD IN OUT FILE   writes; the one that a preloaded library may sit in
 *   disk-errors judge ... COMMAND...           runs COMMAND as the first, and judges it
 *
 *   plan.c    what a seed means
 *   write.c   the writers
 *   disk.c    the file before, the disk's failures, the file's bytes on the disk after
 *   tape.c    what the disk held when a write returned
 *   judge.c   verdicts
 *   tell.c    one run at length, for a person
 *   run.c     one run from beginning to end, by the judge
 */
#ifndef DISK_ERRORS_H
#define DISK_ERRORS_H

#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "../disk/plugin/random.h"
#include "../disk/record.h"

#define WRITERS_MAX 8
#define WRITES_MAX 64
#define STREAMS_MAX 8 /* open file descriptions that are written to */
#define WATCHERS 3    /* and those that are only open: for writing, for reading, in a stranger */
#define MARK "sUff"   /* at the start of each word of 8 bytes that is written */
#define SHORTEST 16   /* bytes, so that a write can be told from any other */
#define BLOCK 4096UL
#define FILE_MAX (40UL << 20)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct dice {
	uint64_t seed;
	uint64_t thrown;
};

static inline uint64_t below(struct dice *dice, uint64_t end)
{
	return random_of(dice->seed, 77, dice->thrown++) % end;
}

static inline bool percent(struct dice *dice, unsigned int chance)
{
	return below(dice, 100) < chance;
}

/* Who shares what. */
enum shape { ONE_DESCRIPTOR, EACH_ITS_OWN, DUPS, FORKED, MIXED_SHAPE, SHAPES };

/* Where the bytes go: to a place of their own, to the end, to the description's offset. */
enum style { PLACED, APPENDED, STREAMED, STYLES };

/* What was there before. */
enum ground { WRITTEN, HOLE, UNWRITTEN, GROUNDS };

enum grain { BLOCKS, SMALL, ANY, LARGE, GRAINS };

enum call { PWRITE, PWRITEV, PWRITEV2, WRITE, WRITEV, CALLS };

struct deed {
	int writer;
	enum call call;
	off_t at; /* -1: known only afterwards */
	size_t length;
	size_t skew; /* of the memory written from */
	enum ground ground;
};

struct writer {
	int stream;
	bool dup;    /* by a duplicate of the descriptor */
	bool forked; /* in a process of its own */
};

enum failing { BAD_BLOCKS, BY_CHANCE, IN_RANGE, SOME_TIMES, NOTHING, FAILINGS };

struct faults {
	enum failing how;
	double share;	     /* of blocks, or of requests */
	off_t first, length; /* of the file, IN_RANGE */
	int times;	     /* 0: until healed */
	bool no_space;	     /* ENOSPC, not EIO */
	int flushes;	     /* that fail; -1: half of them */
	bool reads;	     /* of the file fail too */
	int write_us, flush_us;
	int begin_after,
		heal_after; /* writes that have returned; heal_after 0: not before the end */
};

struct plan {
	uint64_t seed;
	enum shape shape;
	enum style style;
	enum grain grain;
	int streams, writers, writes;
	struct writer writer[WRITERS_MAX];
	struct deed deed[WRITES_MAX];
	off_t size;	  /* of the file before */
	off_t reserved;	  /* blocks without size behind it */
	off_t area;	  /* STREAMED: stream N begins at N * area */
	bool cold;	  /* the file is not in the page cache before */
	bool in_place;	  /* btrfs: no copy on write */
	bool datasync;	  /* the fsyncs are fdatasyncs */
	bool child_syncs; /* a child of the program makes them */
	bool stranger;	  /* another process has the file open too */
	bool cut;	  /* where a write promises to be stable: the power goes afterwards */
	struct faults faults;
};

void plan_make(struct plan *plan, uint64_t seed);
void plan_print(const struct plan *plan);
const char *plan_name(const struct plan *plan); /* until the next call */
extern const char *const call_names[CALLS];

/* The bytes of write `deed` of this plan, or, with -1, what was in the file before. */
void plan_fill(const struct plan *plan, int deed, void *bytes, uint64_t from, size_t length);

struct result {
	ssize_t ret;
	int err;
	int64_t begun_ns, returned_ns; /* CLOCK_MONOTONIC; returned_ns 0: it did not return */
};

/* What an open file description answered to two fsyncs: 0, or an errno. */
struct told {
	int first, again;
	bool asked;
};

/* Shared by the judge and those who write. */
struct board {
	pthread_barrier_t start;
	struct result result[WRITES_MAX];
	struct told told[STREAMS_MAX + WATCHERS];
};

int64_t now_ns(void);
void die(const char *what);

/* What the writing program tells the judge: a byte a write that has returned, then two of these. */
#define SAY_WROTE 'w'
#define SAY_DONE 'd'
#define SAY_SYNC 's'
#define SAY_QUIT 'q'

int write_main(int argc, char **argv);

/* The judge's side. */

struct disk;

/* One run of a plan, as the judge sees it. */
struct trial {
	const struct plan *plan;
	struct board *board;
	struct disk *disk;
	const char *path;
	char tape_path[256];
	bool stable; /* what a write promises: to be on stable storage, not only on the device */
	bool cut;
	bool vanishes; /* instead of what the plan says, the disk is gone at some moment */
	int tries;     /* of this schedule, whose disk had vanished before it began */
	bool verbose;
	bool broken; /* the file system did not come back */
	bool learnt; /* a write returned an error of the device, of which fsync has to tell */
	int fd;
	char *found; /* the file's bytes on the disk */
	size_t found_length;
};

bool on_btrfs(void);

/* disk.c; 0, or -errno with a reason on stderr */
int disk_prepare_file(struct trial *trial);
int disk_start_faults(struct trial *trial);
int disk_stop_faults(struct trial *trial);
int disk_take_evidence(struct trial *trial, bool stable);
int disk_cut_and_look(struct trial *trial);
int disk_come_back(struct trial *trial);
int disk_renew(struct trial *trial);
void disk_vanish_soon(struct trial *trial);
void disk_order(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* tape.c */
struct tape;
struct tape *tape_read(const char *path);
void tape_free(struct tape *tape);
bool tape_had(const struct tape *tape, const char *bytes, off_t at, size_t length, int64_t when_ns,
	      bool stable);
typedef int whose_fn(const void *context, const char *bytes, size_t length);
void tape_print(const struct tape *tape, int64_t begin_ns, whose_fn *whose, const void *context);
off_t tape_place(const struct tape *tape, const char *bytes);
int tape_failures(const struct tape *tape);
bool tape_failed(const struct tape *tape, enum record_op op, int64_t from_ns, int64_t to_ns);

/* tell.c */
void tell_all(const struct trial *trial, const struct tape *tape);

/* judge.c: counts of what was seen; names as they are printed. */
#define COUNTS(X)                                                                                  \
	X(runs)                                                                                    \
	X(struck) /* requests that failed */                                                       \
	X(writes)                                                                                  \
	X(errors)                                                                                  \
	X(shorts)                                                                                  \
	X(lies)	   /* success without the bytes */                                                 \
	X(aborted) /* the same, of metadata, after a failed flush has ended the journal */         \
	X(early) /* the same, the bytes written but not stable, on btrfs, which does so itself */  \
	X(slanders)   /* an error with all of the bytes on the disk */                             \
	X(late)	      /* the same, but they came to the disk after the error was returned */       \
	X(unreadable) /* the same, but the disk could not be read back */                          \
	X(flushed)    /* the same, but its own flush failed, and another's made it stable */       \
	X(unproven)   /* the same, but metadata might be missing, and nobody looked from anew */   \
	X(twice)      /* bytes that stand in the file more than once */                            \
	X(stale)      /* files whose cache differs from the disk */                                \
	X(untold)     /* open file descriptions whose next fsync hid an error */                   \
	X(strangers)  /* the same, in another process */                                           \
	X(retold)     /* those who were told twice */                                              \
	X(gone)	      /* an error for bytes that are there, from a disk that was not */            \
	X(broken)     /* file systems that did not survive it: not judged */                       \
	X(hung)

#define COUNT_FIELD(name) int name;
struct verdict {
	COUNTS(COUNT_FIELD)
};

void judge_writes(struct trial *trial, struct verdict *verdict);
void judge_cache(struct trial *trial, struct verdict *verdict);
void judge_fsyncs(struct trial *trial, struct verdict *verdict);

/* run.c */
int judge(int argc, char **argv);

#endif
