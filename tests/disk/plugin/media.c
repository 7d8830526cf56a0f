/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "media.h"
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unistd.h>

#define PIECE 65536UL /* of a file that is read or written */

struct cached {
	STAILQ_ENTRY(cached) next;
	uint64_t place; /* in the order of all writes, from 1 */
	uint64_t offset;
	uint64_t length;
	bool zeros;
	unsigned char data[];
};

static struct {
	unsigned char *stable;
	unsigned char *current; /* with the cache applied: what a read sees */
	uint64_t size;
	uint64_t cache_limit; /* bytes of unflushed data */
	uint64_t cache_bytes;
	uint64_t written;
	struct media_unflushed unflushed;
	STAILQ_HEAD(, cached) cache;
} media;

static unsigned char *map(uint64_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static bool all_zero(const unsigned char *at, uint64_t length)
{
	return !length || (!at[0] && !memcmp(at, at + 1, length - 1));
}

static int load(const char *image)
{
	unsigned char *piece = malloc(PIECE);
	int fd = open(image, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 || !piece ? -errno : 0;
	uint64_t done = 0;
	ssize_t got = 1;

	while (!error && done < media.size && got > 0) {
		uint64_t want = media.size - done < PIECE ? media.size - done : PIECE;

		got = read(fd, piece, want);
		if (got < 0)
			error = -errno;
		else if (!all_zero(piece, got))
			memcpy(media.stable + done, piece, got);
		if (got > 0)
			done += got;
	}
	if (fd >= 0)
		close(fd);
	free(piece);
	return error;
}

/* Whole pages are given back, so that a discarded disk costs no memory. */
static void zero(unsigned char *at, uint64_t length)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint64_t head = -(uintptr_t)at & (page - 1);
	uint64_t inner;

	if (head > length)
		head = length;
	inner = (length - head) & ~(page - 1);
	memset(at, 0, head);
	if (inner && madvise(at + head, inner, MADV_DONTNEED))
		memset(at + head, 0, inner);
	memset(at + head + inner, 0, length - head - inner);
}

/* The range reads as what is stable; both images stay sparse. */
static void show_stable(uint64_t offset, uint64_t length)
{
	while (length) {
		uint64_t piece = length < PIECE ? length : PIECE;

		if (all_zero(media.stable + offset, piece))
			zero(media.current + offset, piece);
		else
			memcpy(media.current + offset, media.stable + offset, piece);
		offset += piece;
		length -= piece;
	}
}

int media_create(uint64_t size, uint64_t cache_limit, const char *image)
{
	int error;

	STAILQ_INIT(&media.cache);
	media.size = size;
	media.cache_limit = cache_limit;
	media.stable = map(size);
	media.current = map(size);
	if (!media.stable || !media.current)
		return -ENOMEM;
	if (!image)
		return 0;
	error = load(image);
	if (!error)
		show_stable(0, size);
	return error;
}

uint64_t media_size(void)
{
	return media.size;
}

void media_read(void *buf, uint64_t offset, uint64_t length)
{
	memcpy(buf, media.current + offset, length);
}

/* Applies a part of a cached write to one of the images. */
static void apply(unsigned char *image, const struct cached *write, uint64_t from, uint64_t length)
{
	unsigned char *at = image + write->offset + from;

	if (write->zeros)
		zero(at, length);
	else
		memcpy(at, write->data + from, length);
}

static void forget_oldest(void)
{
	struct cached *oldest = STAILQ_FIRST(&media.cache);

	STAILQ_REMOVE_HEAD(&media.cache, next);
	media.unflushed.writes--;
	media.unflushed.sectors -= oldest->length / MEDIA_SECTOR;
	media.cache_bytes -= oldest->zeros ? 0 : oldest->length;
	free(oldest);
}

static void destage_oldest(void)
{
	struct cached *oldest = STAILQ_FIRST(&media.cache);

	apply(media.stable, oldest, 0, oldest->length);
	forget_oldest();
}

int media_write(const void *data, uint64_t offset, uint64_t length)
{
	uint64_t bytes = data ? length : 0;
	struct cached *write = malloc(sizeof(*write) + bytes);

	if (!write)
		return -ENOMEM;
	write->place = ++media.written;
	write->offset = offset;
	write->length = length;
	write->zeros = !data;
	if (data)
		memcpy(write->data, data, length);
	STAILQ_INSERT_TAIL(&media.cache, write, next);
	media.unflushed.writes++;
	media.unflushed.sectors += length / MEDIA_SECTOR;
	media.cache_bytes += bytes;
	apply(media.current, write, 0, length);
	while (media.cache_bytes > media.cache_limit)
		destage_oldest();
	return 0;
}

uint64_t media_written(void)
{
	return media.written;
}

void media_flush(uint64_t written)
{
	struct cached *oldest;

	while ((oldest = STAILQ_FIRST(&media.cache)) && oldest->place <= written)
		destage_oldest();
}

static void tear(const struct cached *write, const struct media_fate *fate)
{
	uint64_t sectors = write->length / MEDIA_SECTOR;

	for (uint64_t i = 0; i < sectors; i++) {
		uint64_t sector = write->offset / MEDIA_SECTOR + i;
		bool whole = fate->whole.first <= sector && sector <= fate->whole.last;

		if (random_of(fate->seed, write->place, whole ? UINT64_MAX : i + 1) & 1)
			apply(media.stable, write, i * MEDIA_SECTOR, MEDIA_SECTOR);
	}
}

void media_cut(const struct media_fate *fate)
{
	struct cached *write;

	STAILQ_FOREACH(write, &media.cache, next) {
		uint64_t percent = random_of(fate->seed, write->place, 0) % 100;

		if (percent < fate->keep)
			apply(media.stable, write, 0, write->length);
		else if (percent < fate->keep + fate->tear)
			tear(write, fate);
	}
	STAILQ_FOREACH(write, &media.cache, next)
		show_stable(write->offset, write->length);
	while (!STAILQ_EMPTY(&media.cache))
		forget_oldest();
}

struct media_unflushed media_unflushed(void)
{
	return media.unflushed;
}

static int dump_piece(int fd, const unsigned char *piece, uint64_t at, uint64_t length)
{
	while (length) {
		ssize_t put = pwrite(fd, piece, length, at);

		if (put < 0)
			return -errno;
		piece += put;
		at += put;
		length -= put;
	}
	return 0;
}

int media_dump(const char *path, uint64_t offset, uint64_t length, bool stable)
{
	const unsigned char *from = stable ? media.stable : media.current;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error;

	if (offset > media.size)
		offset = media.size;
	if (length > media.size - offset)
		length = media.size - offset;
	error = fd < 0 || ftruncate(fd, length) ? -errno : 0;
	for (uint64_t done = 0; !error && done < length; done += PIECE) {
		uint64_t piece = length - done < PIECE ? length - done : PIECE;

		if (!all_zero(from + offset + done, piece))
			error = dump_piece(fd, from + offset + done, done, piece);
	}
	if (fd >= 0 && close(fd) && !error)
		error = -errno;
	return error;
}
