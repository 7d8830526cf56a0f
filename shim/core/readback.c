/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/readback.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "os/raw.h"
#include "os/sys.h"
#include "report/stats.h"
#include "ring/mirror.h"
#include "state/inline_data.h"
#include "state/journal.h"
#include "state/pending_error.h"

#define PAGE_BYTES 4096u
#define BLOCK_BYTES 4096u /* no extent of the file systems known here begins inside one */

/* A large folio is dropped whole or not at all, and is aligned to its size (mm/truncate.c). */
static const uint64_t folio_bytes[] = { PAGE_BYTES, 64u << 10, 2u << 20, 16u << 20 };

#define PIECE_BYTES 1024u /* small: a signal handler may write, on a stack of its own */
#define DROP_TRIES 50
#define READ_TRIES 3
#define SYNC_TRIES 50

/* The program's bytes in order, wherever its vector has them. */
struct cursor {
	const struct wt_io *io;
	int index;
	size_t within;
	bool met_zeros; /* a block of nothing else */
};

/* The vector is the program's memory too. */
static bool read_piece(const struct wt_io *io, int index, struct iovec *piece)
{
	return index < io->iovcnt && wt_sys_read_program(piece, &io->iov[index], sizeof(*piece));
}

/* Copies the next `len` bytes as the kernel would; false where they are not there. */
static bool next_bytes(struct cursor *at, char *to, size_t len)
{
	while (len) {
		struct iovec piece;

		if (!read_piece(at->io, at->index, &piece))
			return false;
		size_t part = piece.iov_len - at->within;
		if (part > len)
			part = len;
		if (part && !wt_sys_read_program(to, (char *)piece.iov_base + at->within, part))
			return false;
		to += part;
		len -= part;
		at->within += part;
		if (at->within == piece.iov_len) {
			at->index++;
			at->within = 0;
		}
	}
	return true;
}

/* Whether the next `len` bytes, all in one block of the file, are those on the disk. */
static bool is_same_block(struct cursor *at, const char *disk, size_t len)
{
	char mine[PIECE_BYTES];
	bool zeros = true;

	for (size_t done = 0; done < len;) {
		size_t part = len - done < sizeof(mine) ? len - done : sizeof(mine);

		if (!next_bytes(at, mine, part) || memcmp(mine, disk + done, part))
			return false;
		zeros = zeros && !mine[0] && !memcmp(mine, mine + 1, part - 1);
		done += part;
	}
	at->met_zeros |= zeros;
	return true;
}

static bool is_same(struct cursor *at, const char *disk, off_t offset, size_t len)
{
	for (size_t done = 0; done < len;) {
		size_t part = BLOCK_BYTES - (offset + done) % BLOCK_BYTES;

		if (part > len - done)
			part = len - done;
		if (!is_same_block(at, disk + done, part))
			return false;
		done += part;
	}
	return true;
}

/*
 * An O_DIRECT read first writes back what is dirty in its range, and is told of errors by
 * flags of the inode that are older than this and then cleared (filemap_check_errors): so again.
 */
static ssize_t read_block(struct wt_ring *ring, int slot, void *buf, size_t len, off_t offset)
{
	ssize_t ret = -EIO;

	for (int tries = 0; tries < READ_TRIES && ret < 0; tries++)
		ret = wt_mirror_read(ring, slot, buf, len, offset);
	return ret;
}

/* Where the answer does not say how much was copied, all of it is asked for. */
static size_t length(const struct wt_io *io, const struct wt_outcome *outcome)
{
	size_t len = 0;

	if (outcome->copied)
		return outcome->copied;
	if (wt_io_is_scalar(io))
		return io->iov->iov_len;
	for (int i = 0; i < io->iovcnt; i++) {
		struct iovec piece;

		if (!read_piece(io, i, &piece))
			return 0;
		len += piece.iov_len;
	}
	return len;
}

/*
 * A block that was never written reads as zeros too, so these prove nothing where the file system
 * has no extent that it takes for written.
 */
static bool is_written(int fd, struct wt_range range)
{
	_Alignas(struct fiemap) char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	struct fiemap *map = (struct fiemap *)room;
	const struct fiemap_extent *extent = map->fm_extents;
	const uint32_t unsure =
		FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNWRITTEN;
	uint64_t at = range.offset, end = range.offset + range.len_bytes;

	while (at < end) {
		*map = (struct fiemap){
			.fm_start = at,
			.fm_length = end - at,
			.fm_extent_count = 1,
		};
		if (wt_sys.fiemap(fd, map) || !map->fm_mapped_extents ||
		    extent->fe_flags & unsure || extent->fe_logical > at)
			return false;
		at = extent->fe_logical + extent->fe_length;
	}
	return true;
}

static bool compare(struct wt_ring *ring, int slot, const struct wt_io *io, struct wt_range range,
		    unsigned int align)
{
	struct cursor at = { .io = io };
	char *buf = wt_ring_bounce(ring);
	off_t end = range.offset + range.len_bytes;

	if (!buf || !range.len_bytes)
		return false;
	for (off_t offset = range.offset; offset < end;) {
		off_t first = wt_round_down(offset, align);
		off_t last = wt_round_up(end, align);
		size_t len = last - first < WT_BOUNCE_BYTES ? last - first : WT_BOUNCE_BYTES;
		ssize_t got = read_block(ring, slot, buf, len, first);
		off_t upto = first + (off_t)len < end ? first + (off_t)len : end;

		if (got < upto - first ||
		    !is_same(&at, buf + (offset - first), offset, upto - offset))
			return false;
		offset = upto;
	}
	return !at.met_zeros || is_written(io->fd, range);
}

static bool reads_back(const struct wt_target *target, const struct wt_io *io,
		       enum wt_mirror_kind kind, const struct wt_outcome *outcome)
{
	struct stat st;
	enum wt_reason why;
	bool found = false;
	struct wt_range range = { outcome->start, length(io, outcome) };

	if (!target->dio_file_align || range.offset < 0 || wt_sys.identify(io->fd, &st))
		return false;
	struct wt_ring *ring = wt_ring_take(&why);
	if (!ring)
		return false;
	int slot = wt_mirror_get(ring, kind, io->fd, &st, &why);
	if (slot >= 0)
		found = compare(ring, slot, io, range, target->dio_file_align);
	wt_ring_give(ring);
	return found;
}

bool wt_readback_is_on_disk(const struct wt_target *target, const struct wt_io *io,
			    const struct wt_outcome *outcome)
{
	/* An O_DIRECT read of them is answered from memory. */
	if (target->may_be_inline && wt_inline_is(io->fd))
		return false;
	return reads_back(target, io, WT_MIRROR_READ, outcome);
}

bool wt_readback_was_copied(const struct wt_target *target, const struct wt_io *io,
			    const struct wt_outcome *outcome)
{
	return reads_back(target, io, WT_MIRROR_PRIVATE, outcome);
}

static struct wt_range widened(struct wt_range range, uint64_t unit)
{
	off_t first = wt_round_down(range.offset, unit);

	return (struct wt_range){ first,
				  wt_round_up(range.offset + range.len_bytes, unit) - first };
}

static bool is_dropped(const struct wt_target *target, int fd, struct wt_range pages,
		       unsigned int tries)
{
	struct wt_pages left;
	int err = wt_sys.cachestat(fd, pages.offset, pages.len_bytes, &left);

	/* Without cachestat(2), and where it counts another layer's pages, all widths are tried. */
	if (err || !(target->fs->kind->flags & WT_FS_WRITEBACK))
		return tries >= WT_LENGTH(folio_bytes);
	return !left.cached;
}

/*
 * Out of the cache, so that it cannot differ from the disk. What a neighbour has
 * dirtied in the same page is written first; what a mapping holds cannot be dropped.
 */
static void drop_from_cache(const struct wt_target *target,
			    const struct wt_private_open *private_open, int fd,
			    struct wt_range range)
{
	struct wt_range pages = widened(range, PAGE_BYTES);

	for (unsigned int tries = 0; tries < DROP_TRIES; tries++) {
		size_t width = tries < WT_LENGTH(folio_bytes) ? tries : WT_LENGTH(folio_bytes) - 1;
		struct wt_range wide = widened(range, folio_bytes[width]);

		/* A wait on the program's description could take another writer's error. */
		if (private_open)
			wt_private_open_wait(private_open, pages);
		if (!private_open ? tries : tries > WT_LENGTH(folio_bytes))
			wt_nap_us(1000);
		wt_sys.fadvise(fd, wide.offset, wide.len_bytes, POSIX_FADV_DONTNEED);
		if (is_dropped(target, fd, pages, tries))
			return;
	}
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_way_text(WT_WAY_STILL_CACHED));
}

/*
 * On the private opening; or, where a sandbox that came late refuses that to the ring, on the
 * program's description, since the bytes are known to be there and only the flush is wanted. What
 * this takes is owed, and others who wait there are told of it.
 */
static int sync_once(const struct wt_target *target, const struct wt_private_open *private_open,
		     int fd, struct wt_range range)
{
	bool datasync = target->rule->level != WT_LEVEL_SYNC;
	struct wt_wait wait;
	int err = wt_private_open_sync(private_open, range, datasync);
	if (err != -ECANCELED)
		return err;
	wt_description_wait_begin(target->description, &wait);
	err = datasync ? wt_sys.fdatasync(fd) : wt_sys.fsync(fd);
	wt_description_wait_end(target->description, &wait, err);
	if (err && !wt_sys_is_refusal(err) && err != -EBADF) {
		wt_pending_error_keep(target->description, err);
		wt_pending_error_keep_for_later(fd, err);
	}
	return err;
}

/*
 * As often as neighbours' errors are told; an error of the flush itself is told each time. But not
 * everywhere does a sync flush again that has nothing else to do.
 */
static int sync_again(const struct wt_target *target, const struct wt_private_open *private_open,
		      int fd, struct wt_range range)
{
	int err = -EIO;

	if (!(target->fs->kind->flags & WT_FS_FLUSHES))
		return err;
	for (int tries = 0; tries < SYNC_TRIES && err && err != -ESTALE; tries++)
		err = sync_once(target, private_open, fd, range);
	if (!err && wt_journal_ask(target->fs, fd, false) != WT_JOURNAL_LIVES)
		err = -EIO;
	return err;
}

/* A file with errors may be removed next, and its space is wanted back. */
static void let_go(int fd)
{
	struct stat st;
	struct wt_ring *ring = wt_sys.identify(fd, &st) ? NULL : wt_ring_take_made();

	if (!ring)
		return;
	wt_mirror_drop(ring, &st);
	wt_ring_give(ring);
}

ssize_t wt_readback(const struct wt_target *target, const struct wt_io *io, ssize_t err,
		    const struct wt_outcome *outcome)
{
	struct wt_range range = { outcome->start, length(io, outcome) };
	struct wt_private_open private_open;

	if (range.offset < 0 || !range.len_bytes)
		return err;
	bool has_private_open = !wt_private_open_get(&private_open, io->fd);
	drop_from_cache(target, has_private_open ? &private_open : NULL, io->fd, range);
	if (has_private_open && wt_readback_is_on_disk(target, io, outcome) &&
	    (target->rule->level < WT_LEVEL_DSYNC ||
	     !sync_again(target, &private_open, io->fd, range)))
		err = range.len_bytes;
	let_go(io->fd);
	return err;
}
