/* SPDX-License-Identifier: MIT */
#include "power_cut.h"
#include "../disk/plugin/random.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#define RECORDS_AT_ONCE 4 /* that one call of write_once may use */

static struct {
	struct ledger *ledger;
	const char *dir;
	pthread_barrier_t all_here;
	struct writer writers[THREADS_MAX];
} run;

uint64_t below(struct writer *me, uint64_t end)
{
	return random_of(~(uint64_t)me->ledger->seed, me->thread, me->drawn++) % end;
}

struct record *begin(struct writer *me, enum kind kind, uint64_t offset, uint32_t length)
{
	struct ledger *ledger = me->ledger;
	struct record *record =
		&ledger->records[(size_t)me->thread * ledger->limit + me->records++];

	record->kind = kind;
	record->owner = ledger_file_each(ledger, kind) ? me->thread : 0;
	record->number = kinds[kind].created ? me->files : 0;
	record->offset = offset;
	record->length = length;
	record->started = ++ledger->clock;
	return record;
}

/* What the write returned, once it is as safe as was asked for. False if it returned an error. */
bool acknowledge(struct writer *me, struct record *record, ssize_t result)
{
	struct timespec now;

	if (result <= 0)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	record->returned_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
	record->acknowledged = result;
	record->returned = ++me->ledger->clock;
	return true;
}

/* When the power goes, the disk knows before the first request fails. */
static bool disk_has_power(struct writer *me)
{
	return me->disk.fd < 0 || !disk_command(&me->disk, "status") ||
	       strstr(me->disk.answer, "power=on");
}

/*
 * Whether this answer of an fsync, or of a call whose answer is that of an fsync inside, counts.
 * File systems that have shut themselves down answer 0: ext4, XFS and btrfs do, of a directory for
 * one. With the power the program would have gone as well, so after the cut only writes are held
 * to their answers.
 */
bool counts(struct writer *me, int result)
{
	if (!result && disk_has_power(me))
		return true;
	errno = result ? errno : EIO;
	return false;
}

bool sync_file(struct writer *me, int fd)
{
	switch (me->ledger->sync) {
	case SYNC_NONE:
		return true;
	case SYNC_FSYNC:
		return counts(me, fsync(fd));
	case SYNC_FDATASYNC:
		return counts(me, fdatasync(fd));
	}
	return false;
}

static void note_failure(struct writer *me, int error)
{
	struct outcome *outcome = &me->ledger->outcomes[me->thread];

	outcome->had_power = disk_has_power(me);
	outcome->kind = me->kind;
	outcome->error = error ? error : EPROTO; /* a write of nothing */
}

static bool open_file(struct writer *me, enum kind kind)
{
	struct record record = ledger_initial(me->ledger, kind, me->thread);
	char name[NAME_BYTES];

	ledger_file_name(me->ledger, &record, name);
	me->fds[kind] = openat(me->dir, name, O_RDWR | O_CLOEXEC | kinds[kind].flags);
	if (me->fds[kind] < 0)
		return false;
	if (kind == TAIL)
		return lseek(me->fds[kind], 0, SEEK_END) >= 0;
	if (kind == MAPPED) {
		me->map = mmap(NULL, kinds[kind].size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       me->fds[kind], 0);
		return me->map != MAP_FAILED;
	}
	if (kind == STREAM) {
		me->stream = fdopen(dup(me->fds[kind]), "a");
		return me->stream;
	}
	return true;
}

/* A thread's own descriptors, or, where they are shared, copies of the first thread's numbers. */
static bool open_files(struct writer *me)
{
	const struct writer *first = &run.writers[0];
	char name[NAME_BYTES];

	me->dir = open(run.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (me->dir < 0 || posix_memalign((void **)&me->buffer, BLOCK, WRITE_MAX + BLOCK))
		return false;
	snprintf(name, sizeof(name), "%u", me->thread);
	me->new_dir = openat(me->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (me->new_dir < 0)
		return false;
	for (int kind = 0; kind < KINDS; kind++) {
		if (!ledger_has(me->ledger, kind) || kinds[kind].created)
			continue;
		if (me == first || me->ledger->own_descriptors ||
		    ledger_file_each(me->ledger, kind)) {
			if (!open_file(me, kind))
				return false;
		} else {
			me->fds[kind] = first->fds[kind];
			me->map = first->map;
		}
	}
	return true;
}

static enum kind draw_kind(struct writer *me)
{
	enum kind kind;

	do
		kind = below(me, KINDS);
	while (!ledger_has(me->ledger, kind));
	return kind;
}

static void *write_often(void *argument)
{
	struct writer *me = argument;

	pthread_barrier_wait(&run.all_here);
	while (me->records + RECORDS_AT_ONCE <= me->ledger->limit) {
		me->kind = draw_kind(me);
		errno = 0;
		if (!write_once(me, me->kind)) {
			note_failure(me, errno);
			break;
		}
	}
	return NULL;
}

/* The exit status says only that it could begin; how it ended stands in the ledger. */
int run_writers(struct ledger *ledger, const char *dir)
{
	pthread_t threads[THREADS_MAX];

	run.ledger = ledger;
	run.dir = dir;
	pthread_barrier_init(&run.all_here, NULL, ledger->threads);
	catch_faults();
	for (unsigned int i = 0; i < ledger->threads; i++) {
		run.writers[i] = (struct writer){ .ledger = ledger, .thread = i };
		if (disk_connect(&run.writers[i].disk, getenv("DISK_CTL")))
			run.writers[i].disk.fd = -1;
		if (!open_files(&run.writers[i])) {
			note_failure(&run.writers[i], errno);
			return 0;
		}
	}
	for (unsigned int i = 0; i < ledger->threads; i++)
		if (pthread_create(&threads[i], NULL, write_often, &run.writers[i])) {
			perror("power-cut: a thread");
			return 2;
		}
	for (unsigned int i = 0; i < ledger->threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
