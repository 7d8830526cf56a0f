/* SPDX-License-Identifier: MIT */
/*
 * namespace_look - what stands at a name that a call is about to change, or has just changed: its
 * file and that file's level. The kernel must have read the name. A descriptor that is returned has
 * a high number (wt_sys_open_aside); none may be open while the program's own call runs. No lock.
 */
#ifndef WT_NAMESPACE_LOOK_H
#define WT_NAMESPACE_LOOK_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/policy.h"
#include "os/small_buffer.h"
#include "state/path.h"

/* As wt_path_name; `place` is NULL where it is not known. The caller leaves the room. */
ssize_t wt_namespace_path(int fd, const struct stat *st, const struct wt_path *place,
			  struct wt_small_buffer *room, bool *hearsay);

/* Opens the file with O_PATH; `nofollow`: O_NOFOLLOW or 0. The descriptor or -errno. */
int wt_namespace_look(const struct wt_path *place, int nofollow);

/* The name of the directory that a name is in. The caller leaves the room. 0 or -ENOMEM. */
int wt_namespace_parent(const struct wt_path *place, struct wt_small_buffer *room,
			struct wt_path *parent);

/* Opens that directory. The descriptor or -errno. */
int wt_namespace_open_parent(const struct wt_path *place, int flags);

/*
 * The level of the file by the name that it has now, if it is at least that one, or `off`. `place`
 * is where it was found, or NULL: without /proc nothing else tells its name.
 */
enum wt_level wt_namespace_level(int fd, const struct wt_path *place, enum wt_level least);

/*
 * Whether a rule at that level may be for the file of that name, which need not be there. Found
 * without a descriptor; true too where that cannot tell.
 */
bool wt_namespace_may_have_rule(const struct wt_path *place, int nofollow, enum wt_level least);

/* What stands at a place now: 0 or -errno, the file and its level as wt_namespace_level has it. */
int wt_namespace_level_at(const struct wt_path *place, int nofollow, enum wt_level least,
			  struct stat *st, enum wt_level *level);

#endif
