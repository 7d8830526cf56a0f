/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/inline_data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/stat.h>

#include "os/sys.h"

#define INLINE_DATA_FLAG 0x10000000u /* EXT4_INLINE_DATA_FL; linux/fs.h, FS_INLINE_DATA_FL */
#define SECTOR_BYTES 512u	     /* the unit of stx_blocks, statx(2) */

bool wt_inline_is(int fd)
{
	long flags = 0; /* the kernel writes an int, whatever the request's number says */
	int err = wt_sys.ioctl(fd, FS_IOC_GETFLAGS, &flags);

	return err ? err != -ENOTTY : flags & INLINE_DATA_FLAG;
}

/*
 * Whether the file has a block for its bytes. A file without blocks may get some, or be put into
 * its inode, by its next write, whatever its size. A single block may be that of its extended
 * attributes, so then its extents are asked for.
 */
static bool has_blocks(int fd)
{
	struct fiemap map = { .fm_length = FIEMAP_MAX_OFFSET };
	struct statx stx;

	if (wt_sys.statx(fd, "", AT_EMPTY_PATH, STATX_BLOCKS, &stx) || !stx.stx_blocks)
		return false;
	return stx.stx_blocks * SECTOR_BYTES > stx.stx_blksize ||
	       (!wt_sys.fiemap(fd, &map) && map.fm_mapped_extents);
}

/*
 * The order matters: bytes in the inode are counted as blocks too, and the bytes may have moved
 * there in between.
 */
bool wt_inline_may_be(int fd)
{
	return !has_blocks(fd) || wt_inline_is(fd);
}
