/* SPDX-License-Identifier: MIT */
/*
 * namespace_look - what is found at a name that a call is about to change, or has just changed: its
 * file, and the level of that file.
 *
 * The kernel must have read the name. A descriptor that is returned has a high number
 * (wt_sys_open_aside) and is the caller's to close; none may be open while the program's own call
 * runs. Changes nothing, no lock.
 */
#ifndef WT_NAMESPACE_LOOK_H
#define WT_NAMESPACE_LOOK_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/policy.h"
#include "os/small_buffer.h"
#include "state/path.h"

/*
 * As wt_path_name, into `room`, which the caller has to leave. `place` is NULL if it is not known.
 */
ssize_t wt_namespace_path(int fd, const struct stat *st, const struct wt_path *place,
			  struct wt_small_buffer *room, bool *hearsay);

/* Opens the file with O_PATH; `nofollow` is O_NOFOLLOW or 0. The descriptor or -errno. */
int wt_namespace_look(const struct wt_path *place, int nofollow);

/* The directory that holds a name, in `room`, which the caller has to leave. 0 or -ENOMEM. */
int wt_namespace_parent(const struct wt_path *place, struct wt_small_buffer *room,
			struct wt_path *parent);

/* Opens that directory. The descriptor or -errno. */
int wt_namespace_open_parent(const struct wt_path *place, int flags);

/*
 * The level of the file by its present name, if it is at least `least`; else WT_LEVEL_OFF. `place`
 * is where it was found, or NULL: without /proc nothing else shows its name.
 */
enum wt_level wt_namespace_level(int fd, const struct wt_path *place, enum wt_level least);

/*
 * Whether a rule of at least this level may be about the file of that name, which need not exist.
 * Found without a descriptor; true if it cannot be found out.
 */
bool wt_namespace_may_have_rule(const struct wt_path *place, int nofollow, enum wt_level least);

/* The file at a place, and its level as by wt_namespace_level. 0 or -errno. */
int wt_namespace_level_at(const struct wt_path *place, int nofollow, enum wt_level least,
			  struct stat *st, enum wt_level *level);

#endif
