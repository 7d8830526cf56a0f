/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/namespace_look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "base/reason.h"
#include "os/sys.h"
#include "report/stats.h"
#include "state/config.h"
#include "state/filesystem.h"

ssize_t wt_namespace_path(int fd, const struct stat *st, const struct wt_path *place,
			  struct wt_small_buffer *room, bool *hearsay)
{
	wt_small_buffer_make(room, 0);
	ssize_t len = wt_path_name(fd, st, place, room->at, room->size, hearsay);
	if (len != -ENAMETOOLONG)
		return len;
	wt_small_buffer_make(room, WT_PATH_BYTES);
	return room->at ? wt_path_name(fd, st, place, room->at, room->size, hearsay) : -ENOMEM;
}

static void not_covered(int fd, enum wt_reason why)
{
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_reason_text(why));
}

int wt_namespace_look(const struct wt_path *place, int nofollow)
{
	return wt_sys_open_aside(place->dirfd, place->path, O_PATH | nofollow);
}

int wt_namespace_parent(const struct wt_path *place, struct wt_small_buffer *room,
			struct wt_path *parent)
{
	const char *slash = strrchr(place->path, '/');
	size_t len = slash ? slash - place->path + 1 : 0;

	wt_small_buffer_make(room, len + 1);
	if (!room->at)
		return -ENOMEM;
	memcpy(room->at, place->path, len);
	room->at[len] = '\0';
	*parent = (struct wt_path){ place->dirfd, len ? room->at : "." };
	return 0;
}

int wt_namespace_open_parent(const struct wt_path *place, int flags)
{
	struct wt_path parent;
	struct wt_small_buffer room;
	int fd = wt_namespace_parent(place, &room, &parent);

	if (!fd)
		fd = wt_sys_open_aside(parent.dirfd, parent.path, flags | O_DIRECTORY);
	wt_small_buffer_leave(&room);
	return fd;
}

enum wt_level wt_namespace_level(int fd, const struct wt_path *place, enum wt_level least)
{
	const struct wt_rule *rule = NULL;
	struct stat st;
	struct wt_small_buffer room;
	bool hearsay = false;

	if (wt_sys.identify(fd, &st) || !S_ISREG(st.st_mode))
		return WT_LEVEL_OFF;
	if (wt_namespace_path(fd, &st, place, &room, &hearsay) < 0)
		not_covered(fd, WT_WHY_NO_NAME);
	else
		rule = wt_policy_match(&wt_config.policy, room.at);
	wt_small_buffer_leave(&room);
	int fs = (hearsay || rule) ? wt_filesystem_of(fd, st.st_dev) : -1;
	bool has_no_disk = fs >= 0 && wt_filesystem_at(fs)->kind->flags & WT_FS_NO_DISK;
	if (hearsay && !has_no_disk)
		not_covered(fd, WT_WHY_NAME_NOT_ITS_OWN);
	if (!rule || rule->level < least)
		return WT_LEVEL_OFF;
	enum wt_reason lacks =
		fs >= 0 ? wt_filesystem_lacks(wt_filesystem_at(fs), rule->level) : WT_WHY_NONE;
	if (lacks)
		not_covered(fd, lacks);
	return wt_filesystem_is_hopeless(lacks) ? WT_LEVEL_OFF : rule->level;
}

static bool has_rule(const char *path, enum wt_level least)
{
	const struct wt_rule *rule = wt_policy_match(&wt_config.policy, path);

	return rule && rule->level >= least;
}

bool wt_namespace_may_have_rule(const struct wt_path *place, int nofollow, enum wt_level least)
{
	struct wt_small_buffer room;

	wt_small_buffer_make(&room, 0);
	ssize_t len = wt_path_resolve(place, !nofollow, room.at, room.size);
	if (len == -ENAMETOOLONG) {
		wt_small_buffer_make(&room, WT_PATH_BYTES);
		len = room.at ? wt_path_resolve(place, !nofollow, room.at, room.size) : -ENOMEM;
	}
	bool ret = len < 0 || has_rule(room.at, least);
	wt_small_buffer_leave(&room);
	return ret;
}

int wt_namespace_level_at(const struct wt_path *place, int nofollow, enum wt_level least,
			  struct stat *st, enum wt_level *level)
{
	int err = wt_sys.identify_at(place->dirfd, place->path, nofollow ? AT_SYMLINK_NOFOLLOW : 0,
				     st);

	*level = WT_LEVEL_OFF;
	if (err || !S_ISREG(st->st_mode) || !wt_namespace_may_have_rule(place, nofollow, least))
		return err;
	int fd = wt_namespace_look(place, nofollow);
	if (fd < 0)
		return fd;
	*level = wt_namespace_level(fd, place, least);
	wt_sys.close(fd);
	return 0;
}
