/* SPDX-License-Identifier: MIT */
/*
 * For a byte of the file, every write that was over before another acknowledged write of that
 * byte began is past: what is there must come from one that is not. That may be one that was
 * under way, or never returned: then a page or a sector may hold a part of it, so it is asked for
 * each byte. A write that tells its number is looked for wherever it is.
 */
#include "power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LOSSES 5
#define AT_ONCE 4096U

static struct {
	uint64_t started, acknowledged, lost, late, spoilt, slandered, underway;
} count;

static int64_t power_went_ns;

/* Writes to one file, those of before the run among them, and what the file now holds. */
struct file {
	const struct ledger *ledger;
	const struct record **records;
	size_t used;
	char name[NAME_BYTES];
	char *bytes;
	size_t size; /* 0 if it is not there */
	bool *lost;  /* one for each record */
};

__attribute__((format(printf, 3, 4))) static void lose(struct file *file, size_t i,
						       const char *format, ...)
{
	const struct record *record = file->records[i];
	bool late = record->returned_ns > power_went_ns;
	uint64_t *counter = record->started == 1 ? &count.spoilt : late ? &count.late : &count.lost;
	va_list arguments;

	if (file->lost[i])
		return;
	file->lost[i] = true;
	if (++*counter > FIRST_LOSSES)
		return;
	printf("# %s: %s write %lx, %u bytes at %lu, moments %lu to %lu (%ld ns%s): ", file->name,
	       record->started > 1 ? "acknowledged" : "prepared", content_id(file->ledger, record),
	       record->length, record->offset, record->started, record->returned,
	       record->returned_ns, late ? ", after the cut" : "");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static bool covers(const struct record *record, uint64_t from, uint64_t to)
{
	return record->offset <= from && to <= record->offset + record->length;
}

/* Whether all of this range is in what the write returned. */
static bool promises(const struct record *record, uint64_t from, uint64_t to)
{
	return record->returned && record->offset <= from &&
	       to <= record->offset + record->acknowledged;
}

static bool holds(const struct file *file, const struct record *record, uint64_t at, size_t length)
{
	char want[AT_ONCE];

	if (at + length > file->size)
		return false;
	content_fill(file->ledger, record, at - record->offset, length, want);
	return !memcmp(file->bytes + at, want, length);
}

/* What stands in the place of the lost bytes, in words. */
static const char *found_at(const struct file *file, uint64_t at, size_t length)
{
	static const char zeros[16];
	static char text[64];

	if (at >= file->size)
		return file->size ? "the file ends before" : "the file is empty or not there";
	length = length < sizeof(zeros) ? length : sizeof(zeros);
	if (at + length > file->size)
		length = file->size - at;
	if (!memcmp(file->bytes + at, zeros, length))
		return "zeros";
	for (size_t i = 0; i < file->used; i++)
		if (covers(file->records[i], at, at + length) &&
		    holds(file, file->records[i], at, length)) {
			snprintf(text, sizeof(text), "write %lx of moment %lu",
				 content_id(file->ledger, file->records[i]),
				 file->records[i]->started);
			return text;
		}
	return "bytes of none of these writes";
}

/* The first byte of the range that no write of those not past explains; `to` if there is none. */
static uint64_t first_wrong(const struct file *file, uint64_t from, uint64_t to, uint64_t newest)
{
	char want[AT_ONCE];
	bool right[AT_ONCE] = { false };

	if (to > file->size)
		return from > file->size ? from : file->size;
	for (size_t i = 0; i < file->used; i++) {
		const struct record *record = file->records[i];

		if (!covers(record, from, to) ||
		    (promises(record, from, to) && record->returned < newest))
			continue;
		content_fill(file->ledger, record, from - record->offset, to - from, want);
		for (size_t k = 0; k < to - from; k++)
			right[k] |= want[k] == file->bytes[from + k];
	}
	for (size_t k = 0; k < to - from; k++)
		if (!right[k])
			return from + k;
	return to;
}

/* A range in which no write begins or ends. */
static void judge_range(struct file *file, uint64_t from, uint64_t to)
{
	uint64_t newest = 0, wrong;
	size_t newest_at = 0;

	for (size_t i = 0; i < file->used; i++)
		if (promises(file->records[i], from, to) && file->records[i]->started > newest) {
			newest = file->records[i]->started;
			newest_at = i;
		}
	if (!newest)
		return;
	for (uint64_t end; from < to; from = end) {
		end = from + AT_ONCE < to ? from + AT_ONCE : to;
		if (holds(file, file->records[newest_at], from, end - from))
			continue;
		wrong = first_wrong(file, from, end, newest);
		if (wrong < end)
			lose(file, newest_at, "at %lu: %s", wrong,
			     found_at(file, wrong, end - wrong));
	}
}

static int by_number(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static void judge_places(struct file *file)
{
	uint64_t *ends = calloc(file->used * 3 + 1, sizeof(*ends));
	size_t used = 0;

	for (size_t i = 0; i < file->used; i++) {
		const struct record *record = file->records[i];

		ends[used++] = record->offset;
		ends[used++] = record->offset + record->acknowledged;
		ends[used++] = record->offset + record->length;
	}
	qsort(ends, used, sizeof(*ends), by_number);
	for (size_t i = 1; i < used; i++)
		if (ends[i - 1] < ends[i])
			judge_range(file, ends[i - 1], ends[i]);
	free(ends);
}

/* Where the write with this number stands, behind `after`; NULL if nowhere. */
static const char *find_head(const struct file *file, const struct record *record,
			     const char *after)
{
	struct content_head head = { CONTENT_MAGIC, content_id(file->ledger, record) };

	return memmem(after, file->bytes + file->size - after, &head, sizeof(head));
}

static void judge_appended(struct file *file, size_t i)
{
	const struct record *record = file->records[i];
	const char *at = find_head(file, record, file->bytes);
	uint32_t promised = record->acknowledged;
	char *want;

	if (!at) {
		lose(file, i, "not in the file, which has %zu bytes", file->size);
		return;
	}
	want = malloc(promised);
	content_fill(file->ledger, record, 0, promised, want);
	if (at + promised > file->bytes + file->size || memcmp(at, want, promised))
		lose(file, i, "only a part of it is at %td", at - file->bytes);
	else if (find_head(file, record, at + 1))
		lose(file, i, "twice in the file");
	free(want);
}

/* The size is that of the newest acknowledged, or of one that was under way at the end. */
static void judge_size(struct file *file)
{
	size_t newest = file->used;
	bool right = false;

	for (size_t i = 0; i < file->used; i++)
		if (file->records[i]->returned &&
		    (newest == file->used ||
		     file->records[i]->started > file->records[newest]->started))
			newest = i;
	if (newest == file->used)
		return;
	for (size_t i = 0; i < file->used; i++)
		right |= file->records[i]->offset == file->size &&
			 file->records[i]->started >= file->records[newest]->started;
	if (!right)
		lose(file, newest, "the file has %zu bytes", file->size);
}

static void judge(struct file *file)
{
	enum kind kind = file->records[0]->kind;

	if (kind == RESIZE) {
		judge_size(file);
		return;
	}
	if (!kinds[kind].self_telling) {
		judge_places(file);
		return;
	}
	for (size_t i = 0; i < file->used; i++)
		if (file->records[i]->started > 1 && file->records[i]->returned)
			judge_appended(file, i);
		else if (file->records[i]->started == 1 &&
			 !holds(file, file->records[i], 0, file->records[i]->length))
			lose(file, i, "%s", found_at(file, 0, file->records[i]->length));
}

/* False if it is there and cannot be read. */
static bool read_file(struct file *file, int dir)
{
	int fd = openat(dir, file->name, O_RDONLY | O_CLOEXEC);
	struct stat now;
	ssize_t got = 0;

	file->size = 0;
	file->bytes = NULL;
	if (fd < 0)
		return errno == ENOENT;
	if (fstat(fd, &now))
		return false;
	file->bytes = malloc(now.st_size + 1);
	while (file->size < (size_t)now.st_size &&
	       (got = read(fd, file->bytes + file->size, now.st_size - file->size)) > 0)
		file->size += got;
	close(fd);
	return file->size == (size_t)now.st_size;
}

static int by_file(const void *a, const void *b)
{
	const struct record *one = *(const struct record *const *)a;
	const struct record *other = *(const struct record *const *)b;

	if (one->kind != other->kind)
		return one->kind - other->kind;
	if (one->owner != other->owner)
		return one->owner - other->owner;
	return (one->number > other->number) - (one->number < other->number);
}

/* All that began, and before the first of a file that was prepared, its contents from then. */
static size_t gather(const struct ledger *ledger, const struct record **records,
		     struct record *initials)
{
	size_t all = (size_t)ledger->threads * ledger->limit;
	size_t used = 0;

	for (size_t i = 0; i < all; i++)
		if (ledger->records[i].started)
			records[used++] = &ledger->records[i];
	count.started = used;
	for (size_t i = 0; i < used; i++)
		count.acknowledged += records[i]->returned != 0;
	count.underway = count.started - count.acknowledged;
	for (unsigned int i = 0; i < KINDS * ledger->threads; i++) {
		struct record initial = ledger_initial(ledger, i % KINDS, i / KINDS);

		if (!ledger_has(ledger, initial.kind) || kinds[initial.kind].created ||
		    initial.kind == RESIZE ||
		    (initial.owner && !ledger_file_each(ledger, initial.kind)))
			continue;
		*initials = initial;
		records[used++] = initials++;
		if (kinds[initial.kind].filled == kinds[initial.kind].size)
			continue;
		initial.offset = kinds[initial.kind].filled;
		initial.length = kinds[initial.kind].size - kinds[initial.kind].filled;
		initial.acknowledged = initial.length;
		initial.zeros = true;
		*initials = initial;
		records[used++] = initials++;
	}
	qsort(records, used, sizeof(*records), by_file);
	return used;
}

static void print_counts(const struct ledger *ledger)
{
	for (unsigned int i = 0; i < ledger->threads; i++) {
		const struct outcome *outcome = &ledger->outcomes[i];

		if (!outcome->error || !outcome->had_power)
			continue;
		count.slandered++;
		printf("# thread %u: a write of kind %s failed although the disk had power: %s\n",
		       i, kinds[outcome->kind].name, strerror(outcome->error));
	}
	printf("started=%lu\nacknowledged=%lu\nunderway=%lu\nlost=%lu\nlate=%lu\nspoilt=%lu\n"
	       "slandered=%lu\n",
	       count.started, count.acknowledged, count.underway, count.lost, count.late,
	       count.spoilt, count.slandered);
}

int verify(const struct ledger *ledger, const char *path, int64_t cut_ns)
{
	size_t room = (size_t)ledger->threads * (ledger->limit + 2 * KINDS);
	const struct record **records = calloc(room, sizeof(*records));
	struct record *initials = calloc(2 * KINDS * ledger->threads, sizeof(*initials));
	size_t used = gather(ledger, records, initials);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	power_went_ns = cut_ns;
	for (size_t i = 0, end; i < used; i = end) {
		struct file file = { .ledger = ledger, .records = records + i };

		for (end = i + 1; end < used && !by_file(&records[i], &records[end]);)
			end++;
		file.used = end - i;
		file.lost = calloc(file.used, sizeof(bool));
		ledger_file_name(ledger, records[i], file.name);
		if (!read_file(&file, dir)) {
			fprintf(stderr, "power-cut: %s: %s\n", file.name, strerror(errno));
			return 2;
		}
		judge(&file);
		free(file.bytes);
		free(file.lost);
	}
	print_counts(ledger);
	return 0;
}
