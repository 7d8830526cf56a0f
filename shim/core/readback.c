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
#define BLOCK_BYTES 4096u /* no extent of a file system known here begins inside a block */

/* A large folio is dropped whole or not at all, and is aligned to its size (mm/truncate.c). */
static const uint64_t folio_bytes[] = { PAGE_BYTES, 64u << 10, 2u << 20, 16u << 20 };

#define PIECE_BYTES 1024u /* small, as a signal handler may write, on a stack of its own */
#define DROP_TRIES 50
#define READ_TRIES 3
#define SYNC_TRIES 50

/* A position in the program's bytes, which its vector may scatter. */
struct cursor {
	const struct wt_io *io;
	int index;
	size_t within;
	bool met_zeros; /* some block had only zeros */
};

/* Reads one entry of the vector, which is the program's memory too. */
static bool read_piece(const struct wt_io *io, int index, struct iovec *piece)
{
	return index < io->iovcnt && wt_sys_read_program(piece, &io->iov[index], sizeof(*piece));
}

/* Copies the next `len` bytes as the kernel would; false if they cannot be read. */
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

/* Whether the next `len` bytes, all within one block of the file, equal those on the disk. */
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
 * Reads from the device. An O_DIRECT read first writes back what is dirty in its range. It then may
 * return an error that is older than the read, from flags of the inode which are cleared by that
 * (filemap_check_errors), so it is tried again. Bytes or -errno.
 */
static ssize_t read_block(struct wt_ring *ring, int slot, void *buf, size_t len, off_t offset)
{
	ssize_t ret = -EIO;

	for (int tries = 0; tries < READ_TRIES && ret < 0; tries++)
		ret = wt_mirror_read(ring, slot, buf, len, offset);
	return ret;
}

/* How many bytes were copied; all that the program passed if the result does not say. */
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
 * Whether the whole range is in extents that the file system takes for written. A block that was
 * never written reads as zeros too, so zeros alone prove nothing.
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

/* Reads the range through the mirror, and compares it with the program's bytes. */
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

/* Whether the bytes of the write read the same through a mirror of this kind. */
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
	/* For bytes in the inode an O_DIRECT read is answered from memory. */
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

/* Whether the pages have left the cache. */
static bool is_dropped(const struct wt_target *target, int fd, struct wt_range pages,
		       unsigned int tries)
{
	struct wt_pages left;
	int err = wt_sys.cachestat(fd, pages.offset, pages.len_bytes, &left);

	/* Without cachestat(2), or where it counts another layer's pages, try every width. */
	if (err || !(target->fs->kind->flags & WT_FS_WRITEBACK))
		return tries >= WT_LENGTH(folio_bytes);
	return !left.cached;
}

/*
 * Drops the range from the cache, so that the cache cannot differ from the disk. What another write
 * has dirtied in the same pages is written first. What is mapped cannot be dropped.
 */
static void drop_from_cache(const struct wt_target *target,
			    const struct wt_private_open *private_open, int fd,
			    struct wt_range range)
{
	struct wt_range pages = widened(range, PAGE_BYTES);

	for (unsigned int tries = 0; tries < DROP_TRIES; tries++) {
		size_t width = tries < WT_LENGTH(folio_bytes) ? tries : WT_LENGTH(folio_bytes) - 1;
		struct wt_range wide = widened(range, folio_bytes[width]);

		/*
		 * Only on a private opening: a wait on the program's description could take another
		 * write's error.
		 */
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
 * Syncs the range on the private opening. If a sandbox refuses that to the ring, on the program's
 * description: the bytes are known to be on the disk, and only the flush is wanted. An error that
 * this takes is pending for the program's fsync, and other waiters learn that this wait failed.
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
 * Syncs until that succeeds: the error of another write is reported once, that of the flush itself
 * each time. It proves nothing where a sync with nothing to write does not flush. 0 or -errno.
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

/* Closes the mirrors of the file: a file with errors may be removed next, to free its space. */
static void drop_mirrors(int fd)
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
	drop_mirrors(io->fd);
	return err;
}
