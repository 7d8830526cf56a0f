/* SPDX-License-Identifier: MIT */
/*
 * bed - file systems to test on, and programs run there with and without libwt.
 *
 * The file systems are those that tests/with-fs offers; a test goes through them
 * with BED_EACH and says in its messages which one failed. Programs run in an
 * environment made here and nowhere else: only the test decides what libwt sees.
 * The test itself is never preloaded. WT_TEST_SANDBOX in its environment puts each program into a
 * sandbox (sandbox.h), and the test stays outside.
 */
#ifndef WT_TESTS_BED_H
#define WT_TESTS_BED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bed {
	const char *name;  /* as in WT_TEST_<name> */
	bool has_disk;	   /* sectors and dirty pages mean something */
	bool shows_device; /* FIEMAP tells where on the device a byte lies */
	const char *dir;   /* NULL: not on this machine */
	const char *skip;  /* then why */
	const char *stat;  /* counters of its block device, or NULL */
	const char *device;
	const char *upper; /* where an overlay's files lie, or NULL */
};

/* All of them, there or not; NULL after the last. */
const struct bed *bed_at(size_t index);

/* The one called `name`, skipping the test with the reason if it is not there. */
const struct bed *bed_need(const char *name);

/* Those that are there; `previous` NULL for the first. Skips the test if there is none. */
const struct bed *bed_next(const struct bed *previous);

#define BED_EACH(bed) for (const struct bed *bed = bed_next(NULL); bed; bed = bed_next(bed))

/* "<dir>/<name>"; the text stays valid for the next eight calls. */
const char *bed_path(const struct bed *bed, const char *name);

enum bed_contents { BED_ALLOCATED, BED_SPARSE };

/* A file of this size, on disk and out of the cache, whatever was there before. */
void bed_prepare(const char *path, size_t size, enum bed_contents contents);

struct bed_run {
	int status;	   /* exit status, or 128 + signal */
	char out[1 << 16]; /* what it printed */
};

#define BED_ARGS_MAX 16

/* One run's choices: rules for libwt, or NULL to run without it; more environment; the program. */
struct bed_program {
	const char *rules;
	const char *env[BED_ARGS_MAX];
	const char *argv[BED_ARGS_MAX]; /* argv[0]: the name of a program of tests/prog */
	bool with_stderr;		/* in the output as well, instead of in the test's own */
};

void bed_run(struct bed_run *run, const struct bed_program *program);

/* The words of coverage.c that tell of the disk below. */
struct bed_disk_words {
	char stat[300], device[300], lies[300];
};

/* Adds to the program's arguments, behind the first `count`, those that this bed has. */
void bed_tell_disk(const struct bed *bed, struct bed_program *program, size_t count,
		   struct bed_disk_words *words);

/* The line after this one, or its end. */
const char *bed_next_line(const char *line);

/*
 * Expects two outputs to be the same, and tells the first line that differs. Lines that begin with
 * `apart`, where it is not NULL, are left out of both.
 */
void bed_expect_same(const char *label, const char *with, const char *without, const char *apart);

#define BED_NO_FACT INT64_MIN

/* The number after "key=" in the output; BED_NO_FACT if the program did not say. */
int64_t bed_fact(const struct bed_run *run, const char *key);

/*
 * Whether the programs have something of this kernel or sandbox: io_uring, registered_ring,
 * cachestat, mount or proc. What is not there, libwt does without, and names that.
 */
bool bed_has(const char *what);

/* All that follows "key": in a JSON text, added up. */
int64_t bed_json_sum(const char *json, const char *key);

/* A file's text, or NULL if it is not there. The caller frees. */
char *bed_slurp(const char *path);

#endif
