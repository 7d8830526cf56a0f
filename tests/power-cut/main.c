/* SPDX-License-Identifier: MIT */
/*
 * power-cut prepare LEDGER DIR KEY=VALUE... - makes DIR anew with the files of the run, syncs them,
 *     and begins a ledger. The keys:
 *
 *     seed=N         decides all that is random
 *     kinds=A+B+...  which kinds of writes (ledger.c has the names)
 *     threads=N      1 to 16
 *     fds=shared     one descriptor a file for all threads; `own`: each thread its own; or
 *                    `apart`: each thread its own of files that are its own
 *     shape=any      or `blocks`: whole ones from aligned memory, where the kind has the choice
 *     sync=none      before each acknowledgment: none, fsync or fdatasync of the file
 *     limit=N        of writes, all threads together
 *     cache=warm     or `cold`: what was prepared is dropped from the page cache
 *
 * power-cut write LEDGER DIR - the threads write until they fail or reach the limit. When one fails
 *     it asks the disk at $DISK_CTL, if there is one, whether it had power.
 *
 * power-cut verify LEDGER DIR [NS] - prints what became of the writes: facts, KEY=NUMBER a line,
 * and a line "# ..." for the first of those that are lost. What was answered after the power went,
 * at NS of CLOCK_MONOTONIC, counts as `late`.
 */
#include "power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(void)
{
	fprintf(stderr, "usage: power-cut prepare|write|verify LEDGER DIR [KEY=VALUE...]\n");
	return 2;
}

static int failed(const char *what)
{
	fprintf(stderr, "power-cut: %s: %s\n", what, strerror(errno));
	return 2;
}

static bool take_kinds(char *names, uint32_t *mask)
{
	for (char *rest, *name = strtok_r(names, "+", &rest); name;
	     name = strtok_r(NULL, "+", &rest)) {
		int kind = 0;

		while (kind < KINDS && strcmp(name, kinds[kind].name))
			kind++;
		if (kind == KINDS)
			return false;
		*mask |= 1U << kind;
	}
	return *mask;
}

/* The place of `value` in the words, or -1. */
static int word(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(value, words[i]))
			return i;
	return -1;
}

static bool take_number(const char *value, uint32_t *number)
{
	char *end;

	*number = strtoul(value, &end, 10);
	return *value && !*end;
}

static bool take(char *argument, struct ledger *facts)
{
	static const char *const syncs[] = { "none", "fsync", "fdatasync", NULL };
	static const char *const fds[] = { "shared", "own", "apart", NULL };
	static const char *const shapes[] = { "any", "blocks", NULL };
	static const char *const caches[] = { "warm", "cold", NULL };
	char *value = strchr(argument, '=');
	int choice = -1;

	if (!value)
		return false;
	*value++ = 0;
	if (!strcmp(argument, "kinds"))
		return take_kinds(value, &facts->kinds);
	if (!strcmp(argument, "seed"))
		return take_number(value, &facts->seed);
	if (!strcmp(argument, "threads"))
		return take_number(value, &facts->threads);
	if (!strcmp(argument, "limit"))
		return take_number(value, &facts->limit);
	if (!strcmp(argument, "sync"))
		facts->sync = choice = word(value, syncs);
	else if (!strcmp(argument, "fds")) {
		choice = word(value, fds);
		facts->own_descriptors = choice > 0;
		facts->own_files = choice > 1;
	} else if (!strcmp(argument, "shape"))
		facts->whole_blocks = (choice = word(value, shapes)) > 0;
	else if (!strcmp(argument, "cache"))
		facts->cold = (choice = word(value, caches)) > 0;
	return choice >= 0;
}

static int remove_one(const char *path, const struct stat *now, int type, struct FTW *place)
{
	(void)now;
	(void)type;
	(void)place;
	return remove(path);
}

static bool fill(int fd, const struct ledger *ledger, const struct record *initial)
{
	const struct kind_facts *kind = &kinds[initial->kind];
	char *bytes = malloc(kind->filled + 1);
	bool done;

	if (!bytes)
		abort();
	content_fill(ledger, initial, 0, kind->filled, bytes);
	done = pwrite(fd, bytes, kind->filled, 0) == (ssize_t)kind->filled;
	free(bytes);
	if (done && kind->allocated)
		return !fallocate(fd, 0, kind->filled, kind->size - kind->filled);
	return done && !ftruncate(fd, kind->size);
}

/* What is dirty is not dropped, so that comes after a sync. */
static bool make_files(const struct ledger *ledger, int dir, bool cool_down)
{
	for (unsigned int i = 0; i < KINDS * ledger->threads; i++) {
		struct record initial = ledger_initial(ledger, i % KINDS, i / KINDS);
		char name[NAME_BYTES];
		bool done = true;
		int fd;

		if (!ledger_has(ledger, initial.kind) || kinds[initial.kind].created ||
		    (initial.owner && !ledger_file_each(ledger, initial.kind)))
			continue;
		ledger_file_name(ledger, &initial, name);
		fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return false;
		if (cool_down)
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		else
			done = fill(fd, ledger, &initial);
		close(fd);
		if (!done)
			return false;
	}
	return !syncfs(dir);
}

/* One for each thread's new files. */
static bool make_dirs(const struct ledger *ledger, int dir)
{
	char name[NAME_BYTES];

	for (unsigned int i = 0; i < ledger->threads; i++) {
		snprintf(name, sizeof(name), "%u", i);
		if (mkdirat(dir, name, 0700))
			return false;
	}
	return true;
}

static int prepare(const char *ledger_path, const char *path, int count, char **arguments)
{
	struct ledger facts = { .threads = 1, .limit = 1000 };
	struct ledger *ledger;
	int dir;

	for (int i = 0; i < count; i++)
		if (!take(arguments[i], &facts)) {
			fprintf(stderr, "power-cut: %s: not understood\n", arguments[i]);
			return 2;
		}
	if (!facts.kinds || !facts.threads || facts.threads > THREADS_MAX)
		return usage();
	facts.limit = facts.limit / facts.threads + 8;
	ledger = ledger_create(ledger_path, &facts);
	if (!ledger)
		return failed(ledger_path);
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return failed(path);
	dir = mkdir(path, 0700) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !make_dirs(ledger, dir) || !make_files(ledger, dir, false) ||
	    (ledger->cold && !make_files(ledger, dir, true)))
		return failed(path);
	return 0;
}

int main(int argc, char **argv)
{
	struct ledger *ledger;

	if (argc < 4)
		return usage();
	if (!strcmp(argv[1], "prepare"))
		return prepare(argv[2], argv[3], argc - 4, argv + 4);
	ledger = ledger_open(argv[2]);
	if (!ledger)
		return failed(argv[2]);
	if (!strcmp(argv[1], "write"))
		return run_writers(ledger, argv[3]);
	if (!strcmp(argv[1], "verify"))
		return verify(ledger, argv[3], argc > 4 ? strtoll(argv[4], NULL, 10) : INT64_MAX);
	return usage();
}
