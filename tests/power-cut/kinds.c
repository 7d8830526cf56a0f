/* SPDX-License-Identifier: MIT */
#include "power_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SMALL_MAX 5000
#define SELF_TELLING_MIN (sizeof(struct content_head) + 8)
#define RESIZE_MAX (64 * BLOCK)

/* A few, most often one. */
static uint32_t draw_blocks(struct writer *me)
{
	switch (below(me, 16)) {
	case 0:
		return WRITE_MAX / BLOCK;
	case 1:
	case 2:
		return 16;
	case 3:
	case 4:
	case 5:
		return 2 + below(me, 7);
	}
	return 1;
}

/* Whole blocks of the file of this kind. */
static void draw_place(struct writer *me, enum kind kind, uint64_t *offset, uint32_t *length)
{
	uint32_t blocks = draw_blocks(me);
	uint32_t all = kinds[kind].size / BLOCK;

	*length = blocks * BLOCK;
	*offset = below(me, all - blocks + 1) * BLOCK;
}

static void draw_small_place(struct writer *me, enum kind kind, uint64_t *offset, uint32_t *length)
{
	*length = 8 + below(me, SMALL_MAX);
	*offset = below(me, kinds[kind].size - *length);
}

/* The record's contents, now and then at an address that no device would take. */
static char *contents(struct writer *me, const struct record *record)
{
	char *at = me->buffer + (me->ledger->whole_blocks || below(me, 8) ? 0 : 3);

	content_fill(me->ledger, record, 0, record->length, at);
	return at;
}

/* In two pieces, of which the first may end anywhere. */
static void split(struct writer *me, char *at, uint32_t length, struct iovec *pieces)
{
	uint32_t first = below(me, 2) ? below(me, length) : length / 2;

	pieces[0] = (struct iovec){ at, first };
	pieces[1] = (struct iovec){ at + first, length - first };
}

static bool put_at(struct writer *me, enum kind kind, uint64_t offset, uint32_t length)
{
	struct record *record = begin(me, kind, offset, length);
	char *at = contents(me, record);
	int fd = me->fds[kind];
	struct iovec pieces[2];
	ssize_t done;

	if (me->ledger->whole_blocks || below(me, 4)) {
		done = pwrite(fd, at, length, offset);
	} else {
		split(me, at, length, pieces);
		done = pwritev(fd, pieces, 2, offset);
	}
	return done > 0 && sync_file(me, fd) && acknowledge(me, record, done);
}

static bool put_blocks(struct writer *me, enum kind kind)
{
	uint64_t offset;
	uint32_t length;

	draw_place(me, kind, &offset, &length);
	return put_at(me, kind, offset, length);
}

static bool put_small(struct writer *me, enum kind kind)
{
	uint64_t offset;
	uint32_t length;

	draw_small_place(me, kind, &offset, &length);
	return put_at(me, kind, offset, length);
}

static bool put_mostly_blocks(struct writer *me, enum kind kind)
{
	bool blocks = me->ledger->whole_blocks || below(me, 4);

	return blocks ? put_blocks(me, kind) : put_small(me, kind);
}

static uint32_t draw_end_length(struct writer *me)
{
	if (me->ledger->whole_blocks || !below(me, 4))
		return draw_blocks(me) * BLOCK;
	return SELF_TELLING_MIN + below(me, SMALL_MAX);
}

static bool put_at_end(struct writer *me, enum kind kind)
{
	struct record *record = begin(me, kind, 0, draw_end_length(me));
	char *at = contents(me, record);
	int fd = me->fds[kind];
	struct iovec pieces[2];
	ssize_t done;

	if (below(me, 4)) {
		done = write(fd, at, record->length);
	} else {
		split(me, at, record->length, pieces);
		done = writev(fd, pieces, 2);
	}
	return done > 0 && sync_file(me, fd) && acknowledge(me, record, done);
}

/* In one to three pieces. */
static bool fill_new(struct writer *me, enum kind kind, int fd, struct record **records,
		     int *pieces)
{
	uint64_t offset = 0;
	ssize_t done = -1;

	for (*pieces = 0; *pieces < 3 && (!*pieces || below(me, 2)); ++*pieces) {
		struct record *record = begin(me, kind, offset, draw_end_length(me));
		char *at = contents(me, record);

		if (me->ledger->whole_blocks || below(me, 2))
			done = pwrite(fd, at, record->length, offset);
		else if (lseek(fd, offset, SEEK_SET) >= 0)
			done = write(fd, at, record->length);
		if (done != record->length)
			return false;
		records[*pieces] = record;
		offset += record->length;
	}
	return sync_file(me, fd);
}

/* Half of them get their last name by a renaming. */
static bool put_new(struct writer *me, enum kind kind)
{
	struct record name_of = { .kind = kind, .owner = me->thread, .number = me->files };
	char name[NAME_BYTES], first_name[NAME_BYTES + 8];
	bool renamed = below(me, 2), filled;
	struct record *records[3];
	int fd, pieces;

	ledger_file_name(me->ledger, &name_of, name);
	snprintf(first_name, sizeof(first_name), "%s%s", name, renamed ? "-first" : "");
	fd = openat(me->dir, first_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	filled = fill_new(me, kind, fd, records, &pieces);
	if (close(fd) || !filled)
		return false;
	if (renamed && renameat(me->dir, first_name, me->dir, name))
		return false;
	if (!counts(me, kind == NEW ? fsync(me->new_dir) : 0))
		return false;
	me->files++;
	while (pieces--)
		acknowledge(me, records[pieces], records[pieces]->length);
	return true;
}

static __thread sigjmp_buf after_fault;
static __thread volatile sig_atomic_t may_fault;

static void fault(int signal)
{
	if (may_fault)
		siglongjmp(after_fault, 1);
	_exit(128 + signal);
}

/* A page that the disk does not give any more is a SIGBUS. */
void catch_faults(void)
{
	struct sigaction action = { .sa_handler = fault };

	sigaction(SIGBUS, &action, NULL);
}

static bool store(char *to, const char *from, size_t length)
{
	may_fault = 1;
	if (sigsetjmp(after_fault, 1)) {
		may_fault = 0;
		errno = EIO;
		return false;
	}
	memcpy(to, from, length);
	may_fault = 0;
	return true;
}

static bool put_mapped(struct writer *me, enum kind kind)
{
	struct record *record;
	uint64_t offset;
	uint32_t length;

	draw_small_place(me, kind, &offset, &length);
	record = begin(me, kind, offset, length);
	return store(me->map + offset, contents(me, record), length) &&
	       sync_file(me, me->fds[kind]) && acknowledge(me, record, length);
}

static bool put_raw(struct writer *me, enum kind kind)
{
	struct record *record;
	uint64_t offset;
	uint32_t length;
	ssize_t done;

	draw_place(me, kind, &offset, &length);
	record = begin(me, kind, offset, length);
	done = syscall(SYS_pwrite64, me->fds[kind], contents(me, record), length, offset);
	return done > 0 && sync_file(me, me->fds[kind]) && acknowledge(me, record, done);
}

static bool put_in_stream(struct writer *me, enum kind kind)
{
	struct record *record = begin(me, kind, 0, SELF_TELLING_MIN + below(me, SMALL_MAX));

	return fwrite(contents(me, record), record->length, 1, me->stream) == 1 &&
	       !fflush(me->stream) && sync_file(me, me->fds[kind]) &&
	       acknowledge(me, record, record->length);
}

/* What allocates may make the file system sync itself, and the control would lose nothing. */
static bool punch(struct writer *me, enum kind kind)
{
	bool holes = me->ledger->sync == SYNC_NONE || below(me, 2);
	int how = holes ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
	struct record *record;
	uint64_t offset;
	uint32_t length;

	draw_place(me, kind, &offset, &length);
	record = begin(me, kind, offset, length);
	record->zeros = true;
	return !fallocate(me->fds[kind], how | FALLOC_FL_KEEP_SIZE, offset, length) &&
	       sync_file(me, me->fds[kind]) && acknowledge(me, record, length);
}

static bool resize(struct writer *me, enum kind kind)
{
	struct record *record = begin(me, kind, 1 + below(me, RESIZE_MAX), 1);

	return counts(me, ftruncate(me->fds[kind], record->offset)) &&
	       sync_file(me, me->fds[kind]) && acknowledge(me, record, 1);
}

/* What a file of sizes only has to show besides: a write that changes none of them. */
static bool put_first_byte(struct writer *me, enum kind kind)
{
	return lseek(me->fds[kind], 0, SEEK_END) <= 0 ||
	       (pwrite(me->fds[kind], "", 1, 0) == 1 && sync_file(me, me->fds[kind]));
}

/*
 * Those of the second half are mixed with writes of the plain sort on the same descriptor, so that
 * an fsync has nothing to do after one of them and much after another.
 */
bool write_once(struct writer *me, enum kind kind)
{
	static bool (*const puts[KINDS])(struct writer * me, enum kind kind) = {
		[OVERWRITE] = put_blocks,
		[SMALL] = put_small,
		[APPEND] = put_at_end,
		[TAIL] = put_at_end,
		[HOLE] = put_mostly_blocks,
		[UNWRITTEN] = put_mostly_blocks,
		[NEW] = put_new,
		[NAMED] = put_new,
		[MAPPED] = put_mapped,
		[RAW] = put_raw,
		[STREAM] = put_in_stream,
		[PUNCH] = punch,
		[RESIZE] = resize,
	};
	static bool (*const plain_puts[KINDS])(struct writer * me, enum kind kind) = {
		[MAPPED] = put_mostly_blocks, [RAW] = put_mostly_blocks, [STREAM] = put_at_end,
		[PUNCH] = put_blocks,	      [RESIZE] = put_first_byte,
	};

	if (plain_puts[kind] && me->ledger->sync != SYNC_NONE && below(me, 2)) {
		if (!plain_puts[kind](me, kind))
			return false;
		if (below(me, 2))
			return true;
	}
	return puts[kind](me, kind);
}
