/* SPDX-License-Identifier: MIT */
#include "power_cut.h"
#include "../disk/plugin/random.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB 1024U

/* An appended-to file begins within a block. */
const struct kind_facts kinds[KINDS] = {
	[OVERWRITE] = { .name = "overwrite", .size = 1024 * KIB, .filled = 1024 * KIB },
	[SMALL] = { .name = "small", .size = 64 * KIB, .filled = 64 * KIB },
	[APPEND] = { .name = "append",
		     .size = 1000,
		     .filled = 1000,
		     .self_telling = true,
		     .flags = O_APPEND },
	[TAIL] = { .name = "tail", .size = 1000, .filled = 1000, .self_telling = true },
	[HOLE] = { .name = "hole", .size = 4096 * KIB },
	[UNWRITTEN] = { .name = "unwritten", .size = 4096 * KIB, .allocated = true },
	[NEW] = { .name = "new", .file_each = true, .created = true },
	[NAMED] = { .name = "named", .file_each = true, .created = true },
	[MAPPED] = { .name = "mapped", .size = 512 * KIB, .filled = 256 * KIB },
	[RAW] = { .name = "raw", .size = 512 * KIB, .filled = 256 * KIB },
	[STREAM] = { .name = "stream",
		     .size = 1000,
		     .filled = 1000,
		     .self_telling = true,
		     .file_each = true,
		     .flags = O_APPEND },
	[PUNCH] = { .name = "punch", .size = 512 * KIB, .filled = 512 * KIB },
	[RESIZE] = { .name = "resize", .file_each = true },
};

static size_t ledger_bytes(const struct ledger *facts)
{
	return sizeof(*facts) + (size_t)facts->threads * facts->limit * sizeof(struct record);
}

static struct ledger *map(int fd, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

/* NULL with errno. */
struct ledger *ledger_create(const char *path, const struct ledger *facts)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct ledger *ledger;

	if (fd < 0 || ftruncate(fd, ledger_bytes(facts)))
		return NULL;
	ledger = map(fd, ledger_bytes(facts));
	if (ledger) {
		memcpy(ledger, facts, sizeof(*facts));
		atomic_store(&ledger->clock, 2); /* what was there before has the moment 1 */
	}
	return ledger;
}

struct ledger *ledger_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat now;

	return fd < 0 || fstat(fd, &now) ? NULL : map(fd, now.st_size);
}

bool ledger_has(const struct ledger *ledger, enum kind kind)
{
	return ledger->kinds >> kind & 1;
}

/* Threads that each have an offset of their own would write to the same places. */
bool ledger_file_each(const struct ledger *ledger, enum kind kind)
{
	return kinds[kind].file_each || ledger->own_files ||
	       (kind == TAIL && ledger->own_descriptors);
}

/* The contents before the run, as a write that was over before all others. */
struct record ledger_initial(const struct ledger *ledger, enum kind kind, unsigned int owner)
{
	(void)ledger;
	return (struct record){
		.started = 1,
		.returned = 1,
		.length = kinds[kind].filled,
		.acknowledged = kinds[kind].filled,
		.kind = kind,
		.owner = owner,
	};
}

void ledger_file_name(const struct ledger *ledger, const struct record *record, char *name)
{
	const char *kind = kinds[record->kind].name;

	if (kinds[record->kind].created)
		snprintf(name, NAME_BYTES, "%u/%s.%u", record->owner, kind, record->number);
	else if (ledger_file_each(ledger, record->kind))
		snprintf(name, NAME_BYTES, "%s.%u", kind, record->owner);
	else
		snprintf(name, NAME_BYTES, "%s", kind);
}

uint64_t content_id(const struct ledger *ledger, const struct record *record)
{
	const struct record *end = ledger->records + (size_t)ledger->threads * ledger->limit;

	if (record >= ledger->records && record < end)
		return record - ledger->records;
	return UINT64_MAX - record->kind * THREADS_MAX - record->owner; /* from before the run */
}

static void put_words(uint64_t seed, uint64_t id, uint64_t from, size_t length, char *out)
{
	while (length) {
		uint64_t word = random_of(seed, id, from / sizeof(word));
		size_t skipped = from % sizeof(word);
		size_t part = sizeof(word) - skipped;

		if (part > length)
			part = length;
		memcpy(out, (char *)&word + skipped, part);
		out += part;
		from += part;
		length -= part;
	}
}

/* `length` bytes of what the record's write carries, `from` its start on. */
void content_fill(const struct ledger *ledger, const struct record *record, uint64_t from,
		  size_t length, void *out)
{
	struct content_head head = { CONTENT_MAGIC, content_id(ledger, record) };
	bool has_head = kinds[record->kind].self_telling && record->started > 1;

	if (record->zeros) {
		memset(out, 0, length);
		return;
	}
	put_words(ledger->seed, head.id, from, length, out);
	if (has_head && from < sizeof(head))
		memcpy(out, (char *)&head + from,
		       length < sizeof(head) - from ? length : sizeof(head) - from);
}
