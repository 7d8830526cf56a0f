/* SPDX-License-Identifier: MIT */
/* engine - what the engines share, and the engine that leaves a write to the kernel. */
#define _GNU_SOURCE
#include "engine.h"

#include <sys/uio.h>
#include <unistd.h>

#include "sys.h"

int wt_engine_rwf(enum wt_level level)
{
	return level == WT_LEVEL_SYNC ? RWF_SYNC : RWF_DSYNC;
}

int wt_engine_sync_file(int fd, enum wt_level level)
{
	return level == WT_LEVEL_SYNC ? wt_sys.fsync(fd) : wt_sys.fdatasync(fd);
}

bool wt_engine_is_stale(int fd)
{
	struct stat st;

	return !wt_sys.identify(fd, &st) && !S_ISREG(st.st_mode);
}

void wt_offset_before(struct wt_offset *offset, const struct wt_io *io)
{
	if (io->offset == WT_OFFSET_NONE)
		offset->before = wt_sys.lseek(io->fd, 0, SEEK_CUR);
}

void wt_offset_after(struct wt_offset *offset, const struct wt_io *io)
{
	if (io->offset == WT_OFFSET_NONE)
		offset->after = wt_sys.lseek(io->fd, 0, SEEK_CUR);
}

void wt_offset_restore(const struct wt_offset *offset, const struct wt_io *io)
{
	if (io->offset != WT_OFFSET_NONE || offset->before < 0)
		return;
	if (wt_sys.lseek(io->fd, 0, SEEK_CUR) == offset->after)
		wt_sys.lseek(io->fd, offset->before, SEEK_SET);
}

static ssize_t none_write(struct wt_target *target, const struct wt_io *io)
{
	(void)target;
	return wt_io_pass(io);
}

const struct wt_engine wt_engine_none = {
	.name = "none",
	.id = WT_ENGINE_NONE,
	.write = none_write,
};
