/* SPDX-License-Identifier: MIT */
/*
 * power-cut - threads that write to a disk whose power may go, and a judge of what is left.
 *
 * The ledger is a file outside that disk, mapped by all. A record says of one write where it goes
 * and when it started; its acknowledgment, made after the write returned, when that was. The
 * moments are those of one clock for all threads, so that of two writes it is known whether one
 * was over when the other began. What a write carries follows from the seed and the record's
 * number: the judge needs no copy of it. The files:
 *
 *   main.c    the command line, and the files that are there before the run
 *   ledger.c  records, contents, names: what writer and judge must agree on
 *   write.c   the threads
 *   kinds.c   one write of each kind
 *   verify.c  the judge
 */
#ifndef POWER_CUT_H
#define POWER_CUT_H

#define _GNU_SOURCE 1
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../disk/control.h"

#define THREADS_MAX 16
#define BLOCK 4096U
#define WRITE_MAX (64 * BLOCK)
#define NAME_BYTES 32

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum kind {
	OVERWRITE, /* whole blocks that were written before */
	SMALL,	   /* any bytes of them */
	APPEND,	   /* O_APPEND */
	TAIL,	   /* at the descriptor's own offset, which is the end */
	HOLE,
	UNWRITTEN, /* allocated by fallocate */
	NEW,	   /* a new file, its directory synced before it is acknowledged */
	NAMED,	   /* a new file, its directory not synced */
	RESIZE,	   /* ftruncate */
	/* Each changes its file in a way that only an fsync afterwards makes stable. */
	MAPPED, /* stores into a mapping */
	RAW,	/* a bare system call */
	STREAM, /* stdio */
	PUNCH,	/* fallocate that punches a hole or zeroes */
	KINDS
};

enum sync { SYNC_NONE, SYNC_FSYNC, SYNC_FDATASYNC }; /* before the acknowledgment */

/* What is there before the run, and how it is written to. */
struct kind_facts {
	const char *name;
	uint32_t size;	   /* of its file, made before the run */
	uint32_t filled;   /* this much of it with contents; zeros follow */
	bool allocated;	   /* the zeros are unwritten extents, not a hole */
	bool self_telling; /* each write carries its number: nobody knows where it will land */
	bool file_each;	   /* each thread has a file of its own */
	bool created;	   /* during the run */
	int flags;	   /* of its open */
};

extern const struct kind_facts kinds[KINDS];

struct record {
	_Atomic uint64_t started;  /* a moment; 0: this record is not used */
	_Atomic uint64_t returned; /* a moment; 0: not acknowledged */
	int64_t returned_ns;	   /* of CLOCK_MONOTONIC, which the disk has in its log */
	uint64_t offset;	   /* RESIZE: the new size */
	uint32_t length;
	uint32_t acknowledged; /* bytes of it */
	uint32_t number;       /* of the thread's file, where files are created */
	uint8_t kind;
	uint8_t owner; /* the thread whose file this is; 0 where all share one */
	bool zeros;    /* instead of contents */
};

/* How a thread ended: 0, or the error that ended it, and whether the disk then had power. */
struct outcome {
	int error;
	bool had_power;
	uint8_t kind;
};

struct ledger {
	uint32_t seed;
	uint32_t kinds; /* a bit each */
	uint32_t threads;
	uint32_t limit;	      /* of records a thread */
	bool own_descriptors; /* each thread opens for itself */
	bool own_files;	      /* and nobody else opens that */
	bool whole_blocks;    /* wherever a kind has the choice, from aligned memory */
	bool cold;	      /* nothing is cached when the run begins */
	enum sync sync;
	_Atomic uint64_t clock;
	struct outcome outcomes[THREADS_MAX];
	struct record records[]; /* `limit` of the first thread, then of the next, ... */
};

/* ledger.c */
struct ledger *ledger_create(const char *path, const struct ledger *facts);
struct ledger *ledger_open(const char *path);
bool ledger_has(const struct ledger *ledger, enum kind kind);
bool ledger_file_each(const struct ledger *ledger, enum kind kind);
struct record ledger_initial(const struct ledger *ledger, enum kind kind, unsigned int owner);
void ledger_file_name(const struct ledger *ledger, const struct record *record, char *name);
uint64_t content_id(const struct ledger *ledger, const struct record *record);
void content_fill(const struct ledger *ledger, const struct record *record, uint64_t from,
		  size_t length, void *out);

/* Where a write that tells its number begins. */
struct content_head {
	char magic[8];
	uint64_t id;
};
#define CONTENT_MAGIC "content\n"

/* write.c */
struct writer {
	struct ledger *ledger;
	unsigned int thread;
	unsigned int records; /* used */
	unsigned int files;   /* created */
	uint64_t drawn;
	int dir;
	int new_dir; /* where its new files go */
	int fds[KINDS];
	char *map;	  /* of MAPPED */
	FILE *stream;	  /* of STREAM */
	char *buffer;	  /* WRITE_MAX and a little, aligned */
	enum kind kind;	  /* of the write under way */
	struct disk disk; /* to be asked whether it has power; fd -1 if there is none to ask */
};

int run_writers(struct ledger *ledger, const char *dir);
uint64_t below(struct writer *me, uint64_t end);
struct record *begin(struct writer *me, enum kind kind, uint64_t offset, uint32_t length);
bool acknowledge(struct writer *me, struct record *record, ssize_t result);
bool counts(struct writer *me, int result);
bool sync_file(struct writer *me, int fd);

/* kinds.c; each false when a call failed, with errno */
bool write_once(struct writer *me, enum kind kind);
void catch_faults(void);

/* verify.c */
int verify(const struct ledger *ledger, const char *dir, int64_t cut_ns);

#endif
