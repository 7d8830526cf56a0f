/* SPDX-License-Identifier: MIT */
/*
 * name_look - what stands at a name that a call is about to change, or has just changed: its file
 * and that file's level. The kernel must have read the name. A descriptor that is returned has a
 * high number (wt_sys_open_aside); none may be open while the program's own call runs. No lock.
 */
#ifndef WT_NAME_LOOK_H
#define WT_NAME_LOOK_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/policy.h"
#include "os/room.h"
#include "state/place.h"

/* As wt_place_name; `place` is NULL where it is not known. The caller leaves the room. */
ssize_t wt_name_path(int fd, const struct stat *st, const struct wt_place *place,
		     struct wt_room *room, bool *hearsay);

/* Opens the file with O_PATH; `nofollow`: O_NOFOLLOW or 0. The descriptor or -errno. */
int wt_name_look(const struct wt_place *place, int nofollow);

/* The name of the directory that a name is in. The caller leaves the room. 0 or -ENOMEM. */
int wt_name_parent(const struct wt_place *place, struct wt_room *room, struct wt_place *parent);

/* Opens that directory. The descriptor or -errno. */
int wt_name_open_parent(const struct wt_place *place, int flags);

/*
 * The level of the file by the name that it has now, if it is at least that one, or `off`. `place`
 * is where it was found, or NULL: without /proc nothing else tells its name.
 */
enum wt_level wt_name_level(int fd, const struct wt_place *place, enum wt_level least);

/*
 * Whether a rule at that level may be for the file of that name, which need not be there. Found
 * without a descriptor; true too where that cannot tell.
 */
bool wt_name_may_have_rule(const struct wt_place *place, int nofollow, enum wt_level least);

/* What stands at a place now: 0 or -errno, the file and its level as wt_name_level has it. */
int wt_name_level_at(const struct wt_place *place, int nofollow, enum wt_level least,
		     struct stat *st, enum wt_level *level);

#endif
