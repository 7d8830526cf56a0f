/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base.h"
#include "config.h"
#include "core.h"
#include "description.h"
#include "elide.h"
#include "filesystem.h"
#include "inline.h"
#include "journal.h"
#include "mirror.h"
#include "owed.h"
#include "real.h"
#include "reason.h"
#include "stats.h"
#include "sys.h"
#include "thread.h"
#include "track.h"
#include "witness.h"

/* What a sync answers that could not be asked for, besides 0 and -errno. */
#define CANNOT 1

/* Text that may be too long for the stack of a signal handler. */
struct room {
	char small[512];
	char *at;
	size_t size;
};

static void room_make(struct room *room, size_t size)
{
	room->at = room->small;
	room->size = sizeof(room->small);
	if (size <= room->size)
		return;
	room->at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	room->size = size;
	if (room->at == MAP_FAILED)
		room->at = NULL;
}

static void room_leave(struct room *room)
{
	if (room->at && room->at != room->small)
		munmap(room->at, room->size);
}

/* The path of an open file, as far as one can be. The caller leaves the room. */
static int path_of(int fd, struct room *room)
{
	room_make(room, 0);
	int len = wt_sys_path(fd, room->at, room->size);
	if (len != -ENAMETOOLONG)
		return len;
	room_make(room, PATH_MAX);
	return room->at ? wt_sys_path(fd, room->at, room->size) : -ENOMEM;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		wt_sys.close(fd);
}

/* Of a file that cannot be looked at: a file system that has failed is an error, all else a limit.
 */
static int unseen(int err, int otherwise)
{
	return err == -EIO || err == -EROFS ? err : otherwise;
}

static void not_covered(int fd, enum wt_reason why)
{
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_reason_text(why));
}

static int look(const struct wt_place *place, int nofollow)
{
	return wt_sys.openat(place->dirfd, place->path, O_PATH | O_CLOEXEC | nofollow);
}

/* The directory that a name is in. */
static int open_parent(const struct wt_place *place, int flags)
{
	const char *slash = strrchr(place->path, '/');
	size_t len = slash ? slash - place->path + 1 : 0;
	struct room room;

	flags |= O_DIRECTORY | O_CLOEXEC;
	if (!len)
		return wt_sys.openat(place->dirfd, ".", flags);
	room_make(&room, len + 1);
	if (!room.at)
		return -ENOMEM;
	memcpy(room.at, place->path, len);
	room.at[len] = '\0';
	int fd = wt_sys.openat(place->dirfd, room.at, flags);
	room_leave(&room);
	return fd;
}

/* A refusal leads to another way, an error of the disk never does. */
static int answer_of(int err)
{
	return wt_sys_is_refusal(err) || err == -EBADF || err == -EINTR ? CANNOT : err;
}

/* A sync of the file has returned this. Its success counts while the file system lives. */
static int synced(int fd, int err)
{
	struct stat st;

	if (err)
		return answer_of(err);
	err = wt_sys.identify(fd, &st);
	if (err)
		return unseen(err, 0);
	int fs = wt_filesystem_of(fd, st.st_dev);
	return fs >= 0 && wt_journal_has_died(wt_filesystem_at(fs), fd, false) ? -EIO : 0;
}

static int sync_by(int (*sync)(int), int fd)
{
	int tries = 0, err;

	do {
		err = sync(fd);
	} while (err == -EINTR && ++tries < WT_INTERRUPTIONS_MAX);
	return synced(fd, err);
}

/* Stronger and slower than what is wanted: all of the file system that holds the file. */
static int sync_filesystem_of(int fd)
{
	struct stat st, around;
	struct room room;
	int ret = CANNOT;

	if (path_of(fd, &room) >= 0 && !wt_sys.identify(fd, &st)) {
		int dir = open_parent(&(struct wt_place){ AT_FDCWD, room.at }, O_RDONLY);

		ret = dir < 0 ? unseen(dir, CANNOT) : CANNOT;

		/* A file can be mounted alone. */
		if (dir >= 0 && !wt_sys.identify(dir, &around) && around.st_dev == st.st_dev)
			ret = sync_by(wt_sys.syncfs, dir);
		close_if_open(dir);
	}
	room_leave(&room);
	return ret;
}

/* `fd` may be an O_PATH descriptor. */
static int sync_file(int fd, bool datasync)
{
	struct wt_witness witness;
	int ret = CANNOT;

	if (!wt_witness_call(&witness, fd)) {
		datasync = datasync && !wt_inline_is(fd);
		ret = wt_witness_sync(&witness, WT_WHOLE_FILE, datasync);
		ret = ret == -ESTALE || ret == -ECANCELED ? CANNOT : synced(fd, ret);
	}
	/* The kernel tells an error to openings yet to come until somebody has seen it. */
	if (ret < 0)
		wt_owed_to_later(fd, ret);
	/* It would hold the file. */
	wt_mirror_closing(fd);
	return ret == CANNOT ? sync_filesystem_of(fd) : ret;
}

/* The level of the file by the name that it has now, if it is at least that one, or `off`. */
static enum wt_level level_from(int fd, enum wt_level least)
{
	const struct wt_rule *rule = NULL;
	struct stat st;
	struct room room;

	if (wt_sys.identify(fd, &st) || !S_ISREG(st.st_mode))
		return WT_LEVEL_OFF;
	if (path_of(fd, &room) < 0)
		not_covered(fd, WT_WHY_NO_NAME);
	else
		rule = wt_policy_match(&wt_config.policy, room.at);
	room_leave(&room);
	if (!rule || rule->level < least)
		return WT_LEVEL_OFF;
	int fs = wt_filesystem_of(fd, st.st_dev);
	enum wt_reason lacks =
		fs >= 0 ? wt_filesystem_lacks(wt_filesystem_at(fs), rule->level) : WT_WHY_NONE;
	if (lacks)
		not_covered(fd, lacks);
	return wt_filesystem_is_hopeless(lacks) ? WT_LEVEL_OFF : rule->level;
}

/* The same where its names matter. */
static enum wt_level level_of(int fd)
{
	return level_from(fd, WT_LEVEL_DSYNC);
}

static int pass(const struct wt_naming *naming)
{
	const struct wt_place *from = &naming->from, *to = &naming->to;
	int ret = -1;

	switch (naming->call) {
	case WT_RENAME:
		ret = wt_real.rename(from->path, to->path);
		break;
	case WT_RENAMEAT:
		ret = wt_real.renameat(from->dirfd, from->path, to->dirfd, to->path);
		break;
	case WT_RENAMEAT2:
		ret = wt_real.renameat2(from->dirfd, from->path, to->dirfd, to->path,
					naming->flags);
		break;
	case WT_LINK:
		ret = wt_real.link(from->path, to->path);
		break;
	case WT_LINKAT:
		ret = wt_real.linkat(from->dirfd, from->path, to->dirfd, to->path, naming->flags);
		break;
	case WT_UNLINK:
		ret = wt_real.unlink(from->path);
		break;
	case WT_UNLINKAT:
		ret = wt_real.unlinkat(from->dirfd, from->path, naming->flags);
		break;
	case WT_REMOVE:
		ret = wt_real.remove(from->path);
		break;
	}
	return ret < 0 ? -*wt_thread_failure() : ret;
}

/* `done` is the directory that was synced before, and becomes this one. */
static int sync_parent(const struct wt_place *place, struct stat *done)
{
	int dir = open_parent(place, O_RDONLY);
	struct stat st = { 0 };
	int ret = 0;

	if (dir < 0)
		return unseen(dir, CANNOT);
	if (wt_sys.identify(dir, &st) || !wt_is_same_file(&st, done))
		ret = sync_by(wt_sys.fsync, dir);
	*done = st;
	wt_sys.close(dir);
	return ret;
}

/* Where the directory cannot be: a sync of the file that has a name there brings it along. */
static int sync_named(const struct wt_naming *naming, const struct wt_place *changed)
{
	bool exchanged = naming->flags & RENAME_EXCHANGE;
	int ret = CANNOT;

	if (naming->call < WT_UNLINK) {
		int fd = look(exchanged ? changed : &naming->to, O_NOFOLLOW);

		ret = fd < 0 ? unseen(fd, CANNOT) : sync_file(fd, false);
		close_if_open(fd);
	}
	if (ret != CANNOT)
		return ret;
	int dir = open_parent(changed, O_PATH);
	not_covered(dir, WT_WHY_NAMES_UNSYNCED);
	close_if_open(dir);
	return 0;
}

/* Makes the names stable that were changed at the places; `second` may be NULL. */
static int sync_names(const struct wt_naming *naming, const struct wt_place *first,
		      const struct wt_place *second)
{
	const struct wt_place *const places[] = { first, second };
	struct stat done = { 0 };
	int ret = 0;

	for (size_t i = 0; i < WT_LENGTH(places) && places[i]; i++) {
		int err = sync_parent(places[i], &done);

		if (err == CANNOT)
			err = sync_named(naming, places[i]);
		ret = ret ? ret : err;
	}
	return ret;
}

/* A file that is given another name. */
struct bearer {
	int fd; /* O_PATH, or -errno */
	enum wt_level before;
	enum wt_level after;
};

static struct bearer bearer_of(const struct wt_place *place)
{
	int fd = look(place, O_NOFOLLOW);

	return (struct bearer){ .fd = fd, .before = fd < 0 ? WT_LEVEL_OFF : level_of(fd) };
}

/*
 * It has its new name. Its bytes were written through under the old one, or else they are made
 * stable now, before the name is: a stable name of lost bytes would be worse than none.
 */
static int named(struct bearer *bearer)
{
	struct stat st;
	int ret = 0;

	if (bearer->fd < 0) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		return unseen(bearer->fd, 0);
	}
	bearer->after = level_of(bearer->fd);
	wt_stats_renamed(bearer->fd);
	/* Before the sync: no write that comes after it may be left out. */
	if (bearer->after > bearer->before && !wt_sys.identify(bearer->fd, &st))
		wt_fdtable_doubt(&st);
	if (bearer->after && !bearer->before)
		ret = sync_file(bearer->fd, bearer->after == WT_LEVEL_DSYNC);
	if (ret != CANNOT)
		return ret;
	not_covered(bearer->fd, WT_WHY_BYTES_UNSYNCED);
	return 0;
}

static int change_by_rename(const struct wt_naming *naming)
{
	bool exchanges = naming->flags & RENAME_EXCHANGE;
	struct bearer one = bearer_of(&naming->from), other = { .fd = -ENOENT };

	if (exchanges)
		other = bearer_of(&naming->to);
	int err = pass(naming);
	int bytes_err = 0;
	if (!err) {
		bytes_err = named(&one);
		if (exchanges && !bytes_err)
			bytes_err = named(&other);
	}
	close_if_open(one.fd);
	close_if_open(other.fd);
	if (err || !(one.before | one.after | other.before | other.after))
		return err;
	err = sync_names(naming, &naming->to, &naming->from);
	return bytes_err ? bytes_err : err;
}

/* The old name stays. It may be none: an empty path is the descriptor (AT_EMPTY_PATH). */
static enum wt_level level_of_linked(const struct wt_naming *naming)
{
	const struct wt_place *from = &naming->from;
	bool empty = naming->flags & AT_EMPTY_PATH && !*from->path;
	int fd = empty ? from->dirfd
		       : look(from, naming->flags & AT_SYMLINK_FOLLOW ? 0 : O_NOFOLLOW);

	if (fd < 0)
		return WT_LEVEL_OFF;
	enum wt_level level = level_of(fd);
	if (!empty)
		wt_sys.close(fd);
	return level;
}

static int change_by_link(const struct wt_naming *naming)
{
	int err = pass(naming);

	if (err)
		return err;
	struct bearer linked = { .before = level_of_linked(naming) };
	linked.fd = look(&naming->to, O_NOFOLLOW);
	int bytes_err = named(&linked);
	close_if_open(linked.fd);
	if (!(linked.before | linked.after))
		return 0;
	err = sync_names(naming, &naming->to, NULL);
	return bytes_err ? bytes_err : err;
}

static int change_by_unlink(const struct wt_naming *naming)
{
	struct bearer gone = bearer_of(&naming->from);

	/* It would keep the file's space until after the call, and its name on NFS. */
	close_if_open(gone.fd);
	int err = pass(naming);
	if (err)
		return err;
	if (gone.fd < 0) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		return unseen(gone.fd, 0);
	}
	return gone.before ? sync_names(naming, &naming->from, NULL) : 0;
}

int wt_name_change(const struct wt_naming *naming)
{
	if (naming->call >= WT_UNLINK)
		return change_by_unlink(naming);
	return naming->call >= WT_LINK ? change_by_link(naming) : change_by_rename(naming);
}

static bool has_rule(const char *path)
{
	const struct wt_rule *rule = wt_policy_match(&wt_config.policy, path);

	return rule && rule->level >= WT_LEVEL_THROUGH;
}

/* Of a file that is not there yet: the path that it will have below its directory. */
static bool will_have_rule(int dir, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct room room;

	room_make(&room, PATH_MAX);
	int len = room.at ? wt_sys_path(dir, room.at, room.size) : -ENOMEM;
	bool fits = len >= 0 && len + 1 + strlen(name) < room.size;
	if (fits)
		stpcpy(stpcpy(room.at + len, "/"), name);
	bool ret = !fits || has_rule(room.at);
	room_leave(&room);
	return ret;
}

void wt_name_opened_unseen(const struct wt_place *place)
{
	int fd = look(place, 0);
	bool is_new = fd == -ENOENT;

	if (is_new)
		fd = open_parent(place, O_PATH);
	if (fd < 0)
		return;
	if (is_new ? will_have_rule(fd, place->path) : level_from(fd, WT_LEVEL_THROUGH))
		wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_way_text(WT_WAY_RING));
	wt_sys.close(fd);
}

int wt_name_truncate(const char *path, off_t len)
{
	if (wt_real.truncate(path, len))
		return -*wt_thread_failure();
	int fd = look(&(struct wt_place){ AT_FDCWD, path }, 0);
	if (fd < 0) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		return unseen(fd, 0);
	}
	enum wt_level level = level_from(fd, WT_LEVEL_THROUGH);
	int ret = 0;
	if (level) {
		wt_elide_doubt(fd);
		ret = sync_file(fd, level != WT_LEVEL_SYNC);
	}
	if (ret == CANNOT)
		not_covered(fd, WT_WHY_SIZE_UNSYNCED);
	wt_sys.close(fd);
	return ret == CANNOT ? 0 : ret;
}

int wt_name_resized(int fd)
{
	union wt_verdict verdict;

	if (wt_track_verdict(fd, &verdict))
		return 0;
	if (verdict.state != WT_RULED || verdict.engine == WT_ENGINE_NONE)
		return 0;
	const struct wt_rule *rule = &wt_config.policy.rules[verdict.rule];
	if (rule->fsync_elide)
		wt_elide_doubt(fd);
	int ret = answer_of(wt_core_settle(fd, verdict));
	if (ret == CANNOT)
		not_covered(fd, WT_WHY_SIZE_UNSYNCED);
	return ret == CANNOT ? 0 : ret;
}
