/* SPDX-License-Identifier: MIT */
/*
 * syscall-faults - a program whose system calls fail as they are told, and a judge of what it
 * wrote.
 *
 * It runs a writer, itself with another environment, behind a seccomp filter that asks this
 * process what becomes of each chosen system call (seccomp_unotify(2)). A call goes on to the
 * kernel, fails with an errno instead of being made, is made for a part of its bytes, or is not
 * made and answered as if it had been: the last to show that the judge would notice. Requests of
 * an io_uring are changed in the writer's memory just before the kernel takes them. After each
 * write that returned success the judge looks at the disk. The files:
 *
 *   main.c    cases from stdin, a line each, and a line about each to stdout
 *   run.c     one case: start, listen, end
 *   inject.c  the calls, the faults and the filter
 *   answer.c  what a struck call is answered
 *   uring.c   the requests of an io_uring
 *   prepare.c the files before and after
 *   judge.c   what the disk and the cache hold
 *   writer.c  the writer
 *
 * A case is a line of words:
 *
 *   id=N           decides every byte that is written
 *   method=NAME    how and where it writes (writer.c)
 *   threads=N      that write at once, on one descriptor
 *   count=N        writes of each
 *   level=LEVEL    what is demanded of a write that succeeds: async, through or dsync
 *   cut=struck     the power goes after the first success that follows a fault, or after the last;
 *                  cut=first: after the first of all; cut=end: after the program's end
 *   arm=exec       the faults count from the start of the program, not from its first open, and
 *                  go on to its end
 *   fault=CALL:WHAT:WHEN   WHAT: an errno, short, lie, copied (a write into the cache alone, and
 *                  EIO) or none; WHEN: N (the N-th), N+ (from there on) or P%SEED (by chance)
 *   record=1       counts all calls, those that no fault can strike by their number
 *   env=NAME=VALUE for the writer, which has no other environment
 *
 * and the answer is a line of words too, of which `outcome` is
 *
 *   kept    every write that succeeded is where the level wants it
 *   lie     one is not; `why` says which
 *   hang, crash, leak (of descriptors), mask (of signals changed), absent (a library of LD_PRELOAD
 *           was not there), start (the program did not come to its first open)
 */
#ifndef SYSCALL_FAULTS_H
#define SYSCALL_FAULTS_H

#define _GNU_SOURCE 1
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define THREADS_MAX 4
#define RECORDS_MAX 64
#define FAULTS_MAX 64
#define ENV_MAX 16
#define FIRST_SOCKET 100 /* a socket for each thread of the writer, from this number on */

/* writer.c */

/* AT_NAME: a file of its own for each write, or a change of its name or size instead. */
enum place { AT_REGION, AT_CURRENT, AT_END, AT_NAME };
enum file_kind { ALLOCATED, EMPTY, SPARSE };

struct method {
	const char *name;
	enum place place;
	enum file_kind kind;
	size_t len;
	uint64_t stride;
	unsigned int skew; /* of the buffer from its alignment, and of the offset */
	int count_max;
};

#define REGION (4UL << 20) /* a thread's part of the file */

const struct method *method_of(const char *name);
void name_of(char *path, size_t room, const char *base, uint64_t id, int thread, int seq);
off_t size_of(int seq); /* that `resize` gives */
uint64_t place_of(const struct method *method, int thread, int seq);
void fill(char *bytes, size_t len, uint64_t id, int thread, int seq);
int writer(char **argv);

enum kind { BEGIN, WROTE, SYNCED, CLOSED, END };

/* From a thread of the writer; it goes on when it gets a byte. */
struct message {
	enum kind kind;
	int thread;
	int seq;
	int err;
	int64_t ret;
};

/* inject.c */

struct call {
	const char *name;
	long nr;
	int ops[3]; /* of an io_uring: then nr is io_uring_enter; they end with -1 */
};

extern const struct call calls[];
extern const size_t calls_len;

enum what { NONE, FAIL, SHORT, LIE, COPIED };

struct fault {
	const struct call *call;
	enum what what;
	int err;
	unsigned long first;
	unsigned long last;
	double chance;
	uint64_t state; /* of the chance's generator */
	unsigned long seen;
	unsigned long struck;
};

/* Which requests of a ring have been looked at, by its inode. */
struct seen_ring {
	uint64_t inode;
	uint32_t done;
};

struct injector {
	int listener;
	pid_t pid;
	bool armed;
	bool records;
	unsigned long others[512]; /* calls that no fault can strike, by number, while it records */
	unsigned long struck;
	size_t faults_len;
	struct fault faults[FAULTS_MAX];
	struct seen_ring rings[64];
};

bool fault_parse(struct injector *injector, const char *text);
void fault_record_all(struct injector *injector);
const char *errno_text(int err);

/* In the writer before it becomes a program: the descriptor of the filter's listener, or -1. */
int filter_install(const struct injector *injector);

/* Whether a fault strikes this call, now; counts it. NULL if none does. */
struct fault *fault_strikes(struct injector *injector, const struct call *call);

/* Answers one call; false when the writer has ended. */
bool inject_answer(struct injector *injector);

/* answer.c */

struct seccomp_notif;

/* Makes the call for a part of its bytes, in the writer's place: bytes or -errno. */
int64_t answer_short(pid_t pid, const struct seccomp_notif *call);

/* Makes the write without its flags: -EIO. */
int64_t answer_copied(pid_t pid, const struct seccomp_notif *call);

/* What the call would have returned. */
int64_t answer_lie(pid_t pid, const struct seccomp_notif *call);

/* uring.c */

/* Whether this kernel can do what is needed; -errno of what cannot. */
int uring_prepare(void);
void uring_change(struct injector *injector);

/* judge.c */

struct record {
	int thread;
	int seq;
	size_t len;	/* that the write returned */
	int64_t offset; /* -1 until it is found */
};

enum level { ASYNC, THROUGH, DSYNC };

struct file {
	char path[512];
	const struct method *method;
	uint64_t id;
	enum level level;
	bool alone; /* no other thread writes: no page may be dirty because of a neighbour */
};

/* A file as the method needs it, on disk and out of the cache. */
void judge_prepare(const struct file *file, int threads, int count);

/* What the case made beside its file. */
void judge_clear(const struct file *file, int threads, int count);

/* Right after the write returned, then after its end or a cut. False with `why`. */
bool judge_live(const struct file *file, struct record *record, char *why, size_t room);
bool judge_stored(const struct file *file, struct record *record, char *why, size_t room);

/* run.c */

struct facts {
	const char *outcome;
	char why[512];
	char said[256]; /* the first line of the writer's stderr */
	int succeeded;
	int failed;
	int fsync_failed;
	int close_failed;
	int first_errno; /* of the writes that failed */
	bool cut;
};

struct run {
	struct file file;
	int threads;
	int count;
	bool cut;
	bool cut_first;
	bool cut_end;
	bool from_exec;
	const char *env[ENV_MAX];
	size_t env_len;
	struct injector injector;
	struct facts facts;
};

void run_case(struct run *run);

#endif
