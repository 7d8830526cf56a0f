/* SPDX-License-Identifier: MIT */
/*
 * What the disk held at a moment, from its record of requests: bytes are there from the completion
 * of a write on that carried them, and stable from the completion of a flush on that arrived after
 * that. Where on the disk is not asked: every write's bytes are its own, and the block that they
 * lie in fixes at what part of a request they can be.
 */
#include "disk_errors.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define SECTOR 512

struct tape {
	void *map;
	size_t length;
	const struct record **records;
	int count;
};

struct tape *tape_read(const char *path)
{
	struct tape *tape = calloc(1, sizeof(*tape));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (!tape || fd < 0 || fstat(fd, &st))
		die(path);
	tape->length = st.st_size;
	tape->map = tape->length ? mmap(NULL, tape->length, PROT_READ, MAP_SHARED, fd, 0) : NULL;
	tape->records = malloc((tape->length / sizeof(struct record) + 1) * sizeof(void *));
	if (tape->map == MAP_FAILED || !tape->records)
		die(path);
	close(fd);
	for (size_t at = 0; at + sizeof(struct record) <= tape->length;) {
		const struct record *record = (void *)((char *)tape->map + at);

		tape->records[tape->count++] = record;
		at += sizeof(*record) + record->carried;
	}
	return tape;
}

void tape_free(struct tape *tape)
{
	if (tape->map)
		munmap(tape->map, tape->length);
	free(tape->records);
	free(tape);
}

/* What had completed before this moment was, if it had to be, stable at `when_ns`. */
static int64_t completed_before(const struct tape *tape, int64_t when_ns, bool stable)
{
	int64_t before = stable ? 0 : when_ns + 1;

	for (int i = 0; stable && i < tape->count; i++) {
		const struct record *record = tape->records[i];

		if (record->op == RECORD_FLUSH && !record->error &&
		    record->completed_ns <= when_ns && record->arrived_ns > before)
			before = record->arrived_ns;
	}
	return before;
}

/* Where the next part is looked for first: behind the last one. */
struct place {
	int record;
	uint64_t at;
};

static bool part_in(const struct record *record, uint64_t *from, const char *bytes, size_t length,
		    uint64_t in_block)
{
	const char *carried = (const char *)(record + 1);
	uint64_t at = *from;

	at += (in_block - (record->offset + at)) % BLOCK;
	for (; at + length <= record->carried; at += BLOCK)
		if (!memcmp(carried + at, bytes, length)) {
			*from = at + length;
			return true;
		}
	return false;
}

static bool had_part(const struct tape *tape, struct place *place, int64_t before_ns,
		     const char *bytes, size_t length, uint64_t in_block)
{
	for (int i = 0; i <= tape->count; i++) {
		int which = tape->count ? (place->record + i) % tape->count : 0;
		uint64_t at = i == 0 ? place->at : 0;

		if (!tape->count)
			return false;
		if (!tape->records[which]->carried ||
		    tape->records[which]->completed_ns >= before_ns)
			continue;
		if (part_in(tape->records[which], &at, bytes, length, in_block)) {
			*place = (struct place){ which, at };
			return true;
		}
	}
	return false;
}

/* Whether all of these bytes, which begin at `at` of the file, were on the disk then. */
bool tape_had(const struct tape *tape, const char *bytes, off_t at, size_t length, int64_t when_ns,
	      bool stable)
{
	int64_t before_ns = completed_before(tape, when_ns, stable);
	struct place place = { 0, 0 };

	for (size_t done = 0; done < length;) {
		size_t part = SECTOR - (at + done) % SECTOR;

		if (part > length - done)
			part = length - done;
		if (!had_part(tape, &place, before_ns, bytes + done, part, (at + done) % BLOCK))
			return false;
		done += part;
	}
	return true;
}

/* Where in a block these bytes begin, wherever they were written; -1 if nowhere. */
off_t tape_place(const struct tape *tape, const char *bytes)
{
	for (int i = 0; i < tape->count; i++) {
		const struct record *record = tape->records[i];
		const char *carried = (const char *)(record + 1);
		const char *at = memmem(carried, record->carried, bytes, SHORTEST);

		if (at)
			return (record->offset + (at - carried)) % BLOCK;
	}
	return -1;
}

int tape_failures(const struct tape *tape)
{
	int failures = 0;

	for (int i = 0; i < tape->count; i++)
		failures += tape->records[i]->error != 0;
	return failures;
}

/* Whether a request of that kind failed in that time. */
bool tape_failed(const struct tape *tape, enum record_op op, int64_t from_ns, int64_t to_ns)
{
	for (int i = 0; i < tape->count; i++) {
		const struct record *record = tape->records[i];

		if (record->op == op && record->error && record->completed_ns >= from_ns &&
		    record->arrived_ns <= to_ns)
			return true;
	}
	return false;
}

/* All requests, in microseconds since `begin_ns`; `whose`, if any, names the bytes of a sector. */
void tape_print(const struct tape *tape, int64_t begin_ns, whose_fn *whose, const void *context)
{
	static const char *const names[] = { "read", "write", "zero", "trim", "flush" };

	for (int i = 0; i < tape->count; i++) {
		const struct record *record = tape->records[i];
		const char *carried = (const char *)(record + 1);
		int last = -3;

		printf("# %6ld to %6ld: %s %lu+%lu %s", (record->arrived_ns - begin_ns) / 1000,
		       (record->completed_ns - begin_ns) / 1000, names[record->op],
		       record->offset / SECTOR, record->length / SECTOR,
		       record->error ? strerrorname_np(-record->error) : "");
		for (uint64_t at = 0; whose && at < record->carried; at += SECTOR) {
			int who = whose(context, carried + at, SECTOR);

			if (who != last)
				printf(" %d", who);
			last = who;
		}
		printf("\n");
	}
}
