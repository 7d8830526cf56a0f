/* SPDX-License-Identifier: MIT */
/*
 * namespace - names and sizes of files at `dsync` and `sync` are stable when the call returns
 * that changed them.
 *
 * A write at these levels makes its bytes stable, and a new file's name and size with them,
 * but not a change of name or size that comes before it without a byte (ext4 keeps an
 * overwritten file under the name that it had) or after the last one (the end of a
 * journal that commits by being unlinked or truncated). So the call that makes
 * the change is followed by a sync of the directory, or of the file.
 *
 * Only regular files have rules. Whether one may be for a name is found without a descriptor
 * (path.h), and none of libwt's is open while the program's call runs. A file that has one is then
 * looked at through an O_PATH descriptor and synced through the thread's ring (private_open.h): to
 * open and close it would take away the process's POSIX record locks. Directories are opened and
 * closed, one at a time; all these descriptors have high numbers (wt_sys_open_aside). No lock.
 */
#ifndef WT_NAMESPACE_H
#define WT_NAMESPACE_H

#include <sys/types.h>

#include "state/path.h"

/* One change of a name as the program asked for it; link needs `from` and `to`, unlink `from`. */
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
 * Makes the change; where the old or the new name is at one of the two levels it is stable
 * then, and so is what a file holds that comes under them by its new name. 0 or -errno; that of a
 * sync says that the change was made and may not last.
 */
int wt_namespace_change(const struct wt_naming *naming);

/*
 * A file is to be opened where it gets no number. It, or the directory where it will be made, is
 * named in the report if it has a rule.
 */
void wt_namespace_opened_unseen(const struct wt_path *place);

/* truncate(2), likewise; at `through` the file's last page is with the device. */
int wt_namespace_truncate(const char *path, off_t len);

/*
 * The size or the allocation of a file was changed by its descriptor: makes it as stable as a write
 * there. At `through` what the kernel wrote of the last page is with the device, at `async` on its
 * way. 0 or -errno.
 */
int wt_namespace_resized(int fd);

#endif
