/* SPDX-License-Identifier: MIT */
/*
 * namespace - names and sizes of files at `dsync` and `sync` are stable when the call returns that
 * changed them.
 *
 * A write at these levels makes its bytes stable, and with them the name and size of a new file. It
 * does not do so for a change of name or size before it that wrote no byte (ext4 keeps an
 * overwritten file under its earlier name), or after the last write (the end of a journal that
 * commits by being unlinked or truncated). So the call that makes such a change is followed by a
 * sync of the directory, or of the file.
 *
 * Only regular files have rules. Whether a name may have one is found without a descriptor
 * (path.h), and none of libwt's is open while the program's call runs. If it has one, the file is
 * looked at through an O_PATH descriptor and synced through the thread's ring (private_open.h),
 * since to open and close it would take away the process's POSIX record locks. Directories are
 * opened and closed, one at a time. All these descriptors have high numbers (wt_sys_open_aside). No
 * lock.
 */
#ifndef WT_NAMESPACE_H
#define WT_NAMESPACE_H

#include <sys/types.h>

#include "state/path.h"

/* A change of a name as the program asked for it. A link needs both paths, an unlink `from`. */
struct wt_naming {
	enum {
		WT_RENAME,
		WT_RENAMEAT,
		WT_RENAMEAT2,
		WT_LINK,
		WT_LINKAT,
		WT_UNLINK,
		WT_UNLINKAT,
		WT_REMOVE
	} call;
	struct wt_path from;
	struct wt_path to;
	unsigned int flags;
};

/*
 * Makes the change. If the old or the new name has a level of `dsync` or above, the change is
 * stable then; so are the bytes of a file that gets such a level by its new name. 0 or -errno. The
 * -errno of a sync means that the change was made and may not last.
 */
int wt_namespace_change(const struct wt_naming *naming);

/*
 * Called before a file is opened that gets no descriptor number. If the file has a rule, it is
 * reported as not covered; a new file by its directory.
 */
void wt_namespace_opened_unseen(const struct wt_path *place);

/* truncate(2), made stable; at `through` the file's last page is on the device. 0 or -errno. */
int wt_namespace_truncate(const char *path, off_t len);

/*
 * Called after the size or the allocation of a file was changed by its descriptor: makes it as
 * stable as a write there. At `through` the page that the kernel changed is on the device, at
 * `async` it is under way. 0 or -errno.
 */
int wt_namespace_resized(int fd);

#endif
