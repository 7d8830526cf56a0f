/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/uncovered_child.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/reason.h"
#include "os/process.h"
#include "os/sys.h"
#include "report/log.h"
#include "report/stats.h"
#include "state/config.h"

#define FILES 64u
#define LOGGED 128u
#define ENTRIES 32u
#define NO_WAY (-1)

/* Values of `owner` that are no process. */
enum { FREE = 0, FILLING = -1 };

/* A program that a child has executed, for the report of `owner`. */
struct entry {
	_Atomic pid_t owner;
	bool not_logged; /* the child had nowhere to log it */
	enum wt_way way;
	uint64_t program;
	_Atomic uint64_t count;
	char path[WT_EVENT_PATH];
};

struct table {
	_Atomic uint64_t files[FILES]; /* a file's key, and in its low byte its kind */
	/* Keys of the programs and ways that were logged already. */
	_Atomic uint64_t logged[LOGGED];
	_Atomic uint32_t entries_ever;
	struct entry entries[ENTRIES];
};

/* The table before wt_uncovered_child_init, and if that failed: this process's own. */
WT_LARGE struct table wt_uncovered_child_without;
static struct table *table = &wt_uncovered_child_without;

/* The process that was last about to fork; in a forked child, its parent. */
static pid_t forker;

int wt_uncovered_child_init(void)
{
	void *map;
	int err = wt_sys_map_shared(sizeof(*table), &map);

	if (!err)
		table = map;
	return err;
}

void wt_uncovered_child_forking(void)
{
	pid_t pid = getpid();

	/* Not stored again, because after a fork each store copies a page. */
	if (forker != pid)
		forker = pid;
}

/* One program, and how far its interpreters have been followed. */
struct subject {
	struct wt_program_at at;
	struct statx stx;
	enum wt_program_kind kind;
	bool has_capabilities;
	char name[WT_PROGRAM_NAME];
};

#define KIND_MASK 0x7fu
#define CAPABILITIES 0x80u
#define LOW_BYTE 0xffu
_Static_assert(WT_PROGRAM_KINDS <= KIND_MASK, "a kind has seven bits");

static uint64_t mix(uint64_t key, uint64_t value)
{
	key = (key ^ value) * 0x9e3779b97f4a7c15ULL;
	return key ^ key >> 32;
}

/* The key of a file's present contents: a file that is written or replaced gets another one. */
static uint64_t file_key(const struct statx *stx)
{
	uint64_t key = mix(stx->stx_ino, (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor);

	key = mix(mix(key, stx->stx_size), stx->stx_ctime.tv_sec);
	return mix(key, stx->stx_ctime.tv_nsec) | 1 << 8;
}

/* Whether the kind is kept. A script is read each time, for the interpreter that it names. */
static bool may_keep(enum wt_program_kind kind)
{
	return kind != WT_PROGRAM_SCRIPT && kind != WT_PROGRAM_UNREAD;
}

static void look_at_file(struct subject *subject)
{
	uint64_t key = file_key(&subject->stx) & ~(uint64_t)LOW_BYTE;
	_Atomic uint64_t *word = &table->files[(key >> 16) % FILES];
	uint64_t known = atomic_load_explicit(word, memory_order_relaxed);
	struct wt_program program;

	if ((known & ~(uint64_t)LOW_BYTE) != key) {
		wt_program_read(&subject->at, &program);
		/* Only then: subject->at may be the path of this very file, in subject->name. */
		if (program.kind == WT_PROGRAM_SCRIPT)
			memcpy(subject->name, program.name, sizeof(program.name));
		known = key | program.kind | (program.has_capabilities ? CAPABILITIES : 0);
		if (may_keep(program.kind))
			atomic_store_explicit(word, known, memory_order_relaxed);
	}
	subject->kind = known & KIND_MASK;
	subject->has_capabilities = known & CAPABILITIES;
}

/*
 * Follows interpreters to the program at their end, which becomes `subject`. False if there is
 * none. `shells`: a text that names no interpreter is run by /bin/sh, as execvp(3) does.
 */
static bool follow(struct subject *subject, bool shells)
{
	for (int depth = 0; depth <= WT_PROGRAM_SCRIPTS; depth++) {
		const char *next = NULL;

		if (wt_program_stat(&subject->at, &subject->stx) || !S_ISREG(subject->stx.stx_mode))
			return false;
		look_at_file(subject);
		if (subject->kind == WT_PROGRAM_SCRIPT)
			next = subject->name;
		else if (subject->kind == WT_PROGRAM_TEXT && shells)
			next = "/bin/sh";
		else
			return subject->kind != WT_PROGRAM_TEXT &&
			       subject->kind != WT_PROGRAM_DAMAGED;
		subject->at = (struct wt_program_at){ AT_FDCWD, next, 0 };
	}
	return false;
}

/* Copies a string of the program's. False if it cannot be read or does not fit. */
static bool copy_text(char *to, size_t size, const char *from)
{
	const size_t page = 4096;
	size_t first = page - (uintptr_t)from % page;

	for (size_t len = 0; len < size; len += first, first = page) {
		if (first > size - len)
			first = size - len;
		if (!wt_sys_read_program(to + len, from + len, first))
			return false;
		if (memchr(to + len, '\0', first))
			return true;
	}
	return false;
}

static bool takes_value(const char *option)
{
	static const char *const options[] = {
		"--library-path",	  "--inhibit-rpath",	 "--audit", "--preload", "--argv0",
		"--glibc-hwcaps-prepend", "--glibc-hwcaps-mask",
	};

	for (size_t i = 0; i < WT_LENGTH(options); i++)
		if (!strcmp(option, options[i]))
			return true;
	return false;
}

/* For the loader, executed itself: it loads its first argument that is no option. */
static bool find_loaded(struct subject *subject, char *const argv[])
{
	const char *argument;

	for (size_t i = 1; argv && wt_sys_read_program(&argument, &argv[i], sizeof(argument));
	     i++) {
		if (!argument || !copy_text(subject->name, sizeof(subject->name), argument))
			return false;
		if (subject->name[0] != '-') {
			subject->at = (struct wt_program_at){ AT_FDCWD, subject->name, 0 };
			return true;
		}
		i += takes_value(subject->name);
	}
	return false;
}

static int way_of_kind(enum wt_program_kind kind)
{
	switch (kind) {
	case WT_PROGRAM_STATIC:
		return WT_WAY_RUNS_STATIC;
	case WT_PROGRAM_GO:
		return WT_WAY_RUNS_GO;
	case WT_PROGRAM_OTHER_LOADER:
		return WT_WAY_RUNS_OTHER_LIBC;
	case WT_PROGRAM_OTHER_MACHINE:
		return WT_WAY_RUNS_OTHER_MACHINE;
	case WT_PROGRAM_UNREAD:
		return WT_WAY_RUNS_UNREAD;
	default:
		return NO_WAY;
	}
}

/* The way whose remedy fits the program that took libwt out of the environment. */
static enum wt_way way_without_library(const struct wt_program_at *at)
{
	static const struct {
		const char *program;
		enum wt_way way;
	} ways[] = {
		{ "env", WT_WAY_RUNS_BY_ENV },	      { "su", WT_WAY_RUNS_BY_SU },
		{ "runuser", WT_WAY_RUNS_BY_SU },     { "sudo", WT_WAY_RUNS_BY_SUDO },
		{ "cron", WT_WAY_RUNS_BY_CRON },      { "crond", WT_WAY_RUNS_BY_CRON },
		{ "pg_ctl", WT_WAY_RUNS_POSTGRESQL }, { "postgres", WT_WAY_RUNS_POSTGRESQL },
	};
	const char *slash = at->path ? strrchr(at->path, '/') : NULL;
	const char *name = slash ? slash + 1 : "";

	for (size_t i = 0; i < WT_LENGTH(ways); i++)
		if (!strcmp(ways[i].way == WT_WAY_RUNS_POSTGRESQL ? name : wt_log_program(),
			    ways[i].program))
			return ways[i].way;
	return WT_WAY_RUNS_WITHOUT_LIBRARY;
}

/* Why the program will not be covered; NO_WAY if it will be, or if there is nothing to execute. */
static int find_way(struct subject *subject, const struct wt_uncovered_child *child)
{
	bool same_user;

	if (!follow(subject, child->searches))
		return NO_WAY;
	if (wt_program_privilege(&subject->at, &subject->stx, subject->has_capabilities,
				 &same_user))
		return WT_WAY_RUNS_PRIVILEGED;
	if (subject->kind == WT_PROGRAM_LOADER &&
	    (!find_loaded(subject, child->argv) || !follow(subject, false)))
		return NO_WAY;
	int way = way_of_kind(subject->kind);
	if (way != NO_WAY)
		return way;
	if (child->lacks == WT_LACKS_LIBRARY)
		return way_without_library(&subject->at);
	if (child->lacks == WT_LACKS_RULES)
		return WT_WAY_RUNS_WITHOUT_RULES;
	return wt_program_may_load(wt_environment_library(), same_user) ? NO_WAY
									: WT_WAY_RUNS_UNLOADABLE;
}

/* The program's path in a form that is of use to a later reader, and not /proc/self/exe. */
static void name_program(char path[WT_EVENT_PATH], const struct wt_program_at *at)
{
	bool by_path = at->path && *at->path;

	if (by_path && *at->path == '/' && strncmp(at->path, "/proc/", 6)) {
		wt_stats_shorten(path, at->path, strlen(at->path));
		return;
	}
	int opened = by_path ? wt_sys.openat(at->dirfd, at->path, O_PATH | O_CLOEXEC) : -1;
	wt_stats_path(opened < 0 ? at->dirfd : opened, path);
	if (opened >= 0)
		wt_sys.close(opened);
}

/* True once for each key, of a program and a way; each time if the table is full. */
static bool is_new_key(uint64_t key)
{
	for (size_t i = 0; i < LOGGED; i++) {
		uint64_t there = atomic_load(&table->logged[i]);

		if (!there && atomic_compare_exchange_strong(&table->logged[i], &there, key))
			return true;
		if (there == key)
			return false;
	}
	return true;
}

static void log_program(const char *path, enum wt_way way)
{
	const char *words = wt_way_text(way);

	wt_log(WT_LOG_WARN, "%s is not covered: %s; what to do: %s", path, words,
	       wt_reason_remedy(words));
}

/* Keeps the program for the report of `owner`. False if there is no room. */
static bool keep_for(pid_t owner, uint64_t program, const char *path, enum wt_way way,
		     bool not_logged)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &table->entries[i];
		pid_t there = atomic_load(&entry->owner);

		if (there == FREE &&
		    atomic_compare_exchange_strong(&entry->owner, &there, FILLING)) {
			entry->not_logged = not_logged;
			entry->way = way;
			entry->program = program;
			atomic_store(&entry->count, 1);
			strcpy(entry->path, path);
			atomic_store(&entry->owner, owner);
			atomic_store(&table->entries_ever, 1);
			return true;
		}
		if (there == owner && entry->program == program && entry->way == way) {
			atomic_fetch_add(&entry->count, 1);
			return true;
		}
	}
	return false;
}

void wt_uncovered_child_collect(void)
{
	pid_t owner;

	if (likely(!atomic_load_explicit(&table->entries_ever, memory_order_relaxed)) ||
	    wt_process_is_vfork_child())
		return;
	owner = getpid();
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &table->entries[i];

		pid_t there = owner;

		/* Two threads may end the process at once; one of them gets the entry. */
		if (!atomic_compare_exchange_strong(&entry->owner, &there, FILLING))
			continue;
		if (entry->not_logged)
			log_program(entry->path, entry->way);
		wt_stats_program(entry->program, entry->path, wt_way_text(entry->way),
				 atomic_load(&entry->count));
		atomic_store(&entry->owner, FREE);
	}
}

/*
 * The process whose report is to count the program: that of a vfork child's memory; or the parent
 * of a forked child that has counted nothing, if it still is the parent. 0: this process.
 */
static pid_t owner_of(const struct wt_uncovered_child *child, bool vfork_child)
{
	if (vfork_child)
		return wt_process_id();
	if (child->replaces && wt_process_is_fork() && !wt_stats_any() && forker == getppid())
		return forker;
	return 0;
}

static unsigned int report_program(const struct subject *subject,
				   const struct wt_uncovered_child *child, enum wt_way way)
{
	uint64_t program = mix(file_key(&subject->stx), subject->kind) | 1;
	bool is_new = is_new_key(mix(program, way) | 1), vfork_child = wt_process_is_vfork_child();
	bool not_logged = is_new && !wt_log_reaches();
	pid_t owner = owner_of(child, vfork_child);
	char path[WT_EVENT_PATH];

	name_program(path, &subject->at);
	bool kept = owner && (!vfork_child || not_logged) &&
		    keep_for(owner, program, path, way, not_logged);
	if (is_new && !(kept && not_logged))
		log_program(path, way);
	if (kept)
		return 0;
	wt_stats_program(program, path, wt_way_text(way), 1);
	return child->replaces && !vfork_child ? WT_UNCOVERED_CHILD_REPORT : 0;
}

static unsigned int look(const struct wt_uncovered_child *child, const struct wt_program_at *at)
{
	struct subject subject = { .at = *at };
	int way = find_way(&subject, child);

	if (likely(way == NO_WAY) || !wt_program_may_run(at) || !wt_program_may_run(&subject.at))
		return 0;
	return report_program(&subject, child, way) |
	       (way == WT_WAY_RUNS_OTHER_LIBC ? WT_UNCOVERED_CHILD_LEAVE_OUT : 0);
}

/* Finds the file in PATH. What cannot be executed is passed over, as by execvp(3). */
static unsigned int look_in_path(const struct wt_uncovered_child *child)
{
	const char *file = child->at.path, *dirs = getenv("PATH");
	size_t file_len = strlen(file);

	if (!file_len || file_len > NAME_MAX)
		return 0;
	dirs = dirs ? dirs : "/bin:/usr/bin";
	char path[strnlen(dirs, PATH_MAX) + file_len + 2];
	const struct wt_program_at at = { AT_FDCWD, path, 0 };
	for (const char *end;; dirs = end + 1) {
		struct statx stx;

		end = strchrnul(dirs, ':');
		if (end - dirs < PATH_MAX) {
			char *name = mempcpy(path, dirs, end - dirs);
			if (end > dirs)
				*name++ = '/';
			memcpy(name, file, file_len + 1);
			if (!wt_program_stat(&at, &stx) && S_ISREG(stx.stx_mode) &&
			    wt_program_may_run(&at))
				return look(child, &at);
		}
		if (!*end)
			return 0;
	}
}

unsigned int wt_uncovered_child_executing(const struct wt_uncovered_child *child)
{
	if (child->searches && !strchr(child->at.path, '/'))
		return look_in_path(child);
	return look(child, &child->at);
}
