/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/base.h"
#include "base/reason.h"
#include "core/namespace_look.h"
#include "core/resolve.h"
#include "core/sync.h"
#include "os/real.h"
#include "os/small_buffer.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/stats.h"
#include "ring/mirror.h"
#include "ring/private_open.h"
#include "state/config.h"
#include "state/description.h"
#include "state/elide.h"
#include "state/filesystem.h"
#include "state/inline_data.h"
#include "state/journal.h"
#include "state/pending_error.h"

/* The result of a sync that could not be tried, besides 0 and -errno. */
#define CANNOT 1

static void close_if_open(int fd)
{
	if (fd >= 0)
		wt_sys.close(fd);
}

/*
 * For a file that cannot be looked at: the error of a failed file system counts; any other error is
 * a limit of libwt, and `otherwise` is the result.
 */
static int error_or(int err, int otherwise)
{
	return err == -EIO || err == -EROFS ? err : otherwise;
}

static void not_covered(int fd, enum wt_reason why)
{
	wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_reason_text(why));
}

/* The level of a file as far as its names matter. */
static enum wt_level level_of(int fd, const struct wt_path *place)
{
	return wt_namespace_level(fd, place, WT_LEVEL_DSYNC);
}

/* CANNOT for a refusal, which leads to another way; an error of the disk never does. */
static int answer_of(int err)
{
	return wt_sys_is_refusal(err) || err == -EBADF || err == -EINTR ? CANNOT : err;
}

/* The result of a sync that returned `err`. A success counts if the file system is alive. */
static int synced(int fd, int err)
{
	return err ? answer_of(err) : wt_journal_confirm(fd);
}

static int sync_by(int (*sync)(int), int fd)
{
	int tries = 0, err;

	do {
		err = sync(fd);
	} while (err == -EINTR && ++tries < WT_INTERRUPTIONS_MAX);
	return synced(fd, err);
}

/* Syncs the whole file system of the file, which is stronger and slower than what is wanted. */
static int sync_filesystem_of(int fd)
{
	struct stat st, around;
	struct wt_small_buffer room;
	bool hearsay;
	int ret = CANNOT;

	if (wt_sys.identify(fd, &st))
		return CANNOT;
	if (wt_namespace_path(fd, &st, NULL, &room, &hearsay) >= 0) {
		int dir =
			wt_namespace_open_parent(&(struct wt_path){ AT_FDCWD, room.at }, O_RDONLY);

		ret = dir < 0 ? error_or(dir, CANNOT) : CANNOT;

		/* The file may be mounted alone, on another file system than its directory. */
		if (dir >= 0 && !wt_sys.identify(dir, &around) && around.st_dev == st.st_dev)
			ret = sync_by(wt_sys.syncfs, dir);
		close_if_open(dir);
	}
	wt_small_buffer_leave(&room);
	return ret;
}

/* Syncs a file through a private opening. `fd` may be an O_PATH descriptor. */
static int sync_file(int fd, bool datasync)
{
	struct wt_private_open private_open;
	int ret = CANNOT;

	if (!wt_private_open_get(&private_open, fd)) {
		datasync = datasync && !wt_inline_is(fd);
		ret = wt_private_open_sync(&private_open, WT_WHOLE_FILE, datasync);
		ret = ret == -ESTALE || ret == -ECANCELED ? CANNOT : synced(fd, ret);
	}
	/* The sync has marked the error as seen, so it is kept for openings yet to come. */
	if (ret < 0)
		wt_pending_error_keep_for_later(fd, ret);
	/* Drops the mirror, which would hold the space of the file once it is removed. */
	wt_mirror_closing(fd);
	return ret == CANNOT ? sync_filesystem_of(fd) : ret;
}

/* Makes the program's own call. 0 or -errno. */
static int pass(const struct wt_naming *naming)
{
	const struct wt_path *from = &naming->from, *to = &naming->to;
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

/* Syncs the directory of `place`, unless it is `done`, which was synced before. Sets `done`. */
static int sync_parent(const struct wt_path *place, struct stat *done)
{
	struct wt_path parent;
	struct stat st = { 0 };
	struct wt_small_buffer room;

	if (wt_namespace_parent(place, &room, &parent))
		return CANNOT;
	if (!wt_sys.identify_at(parent.dirfd, parent.path, 0, &st) && wt_is_same_file(&st, done)) {
		wt_small_buffer_leave(&room);
		return 0;
	}
	int dir = wt_sys_open_aside(parent.dirfd, parent.path, O_RDONLY | O_DIRECTORY);
	wt_small_buffer_leave(&room);
	if (dir < 0)
		return error_or(dir, CANNOT);
	int ret = sync_by(wt_sys.fsync, dir);
	wt_sys.close(dir);
	*done = st;
	return ret;
}

/*
 * For a directory that cannot be synced: syncs the file that has a name there, or reports that the
 * name is not stable.
 */
static int sync_named(const struct wt_naming *naming, const struct wt_path *changed)
{
	bool exchanged = naming->flags & RENAME_EXCHANGE;
	int ret = CANNOT;

	if (naming->call < WT_UNLINK) {
		int fd = wt_namespace_look(exchanged ? changed : &naming->to, O_NOFOLLOW);

		ret = fd < 0 ? error_or(fd, CANNOT) : sync_file(fd, false);
		close_if_open(fd);
	}
	if (ret != CANNOT)
		return ret;
	int dir = wt_namespace_open_parent(changed, O_PATH);
	not_covered(dir, WT_WHY_NAMES_UNSYNCED);
	close_if_open(dir);
	return 0;
}

/* Makes the names stable that were changed at these places; `second` may be NULL. */
static int sync_names(const struct wt_naming *naming, const struct wt_path *first,
		      const struct wt_path *second)
{
	const struct wt_path *const places[] = { first, second };
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

/* A file that gets another name. */
struct renamed {
	int err; /* -errno where it could not be looked at */
	struct stat st;
	enum wt_level before;
	enum wt_level after;
};

static struct renamed renamed_at(const struct wt_path *place)
{
	struct renamed renamed = { 0 };

	renamed.err = wt_namespace_level_at(place, O_NOFOLLOW, WT_LEVEL_DSYNC, &renamed.st,
					    &renamed.before);
	return renamed;
}

/* Called when the file has its new name, with a descriptor of it. 0 or the -errno of a sync. */
static int named_by_fd(struct renamed *renamed, int fd, const struct wt_path *place)
{
	int ret = 0;

	renamed->after = level_of(fd, place);
	wt_stats_renamed(fd);
	/* Before the sync, so that every write that comes after it follows the new rule. */
	if (renamed->after > renamed->before)
		wt_fdtable_doubt(&renamed->st);
	if (renamed->after && !renamed->before)
		ret = sync_file(fd, renamed->after == WT_LEVEL_DSYNC);
	if (ret != CANNOT)
		return ret;
	not_covered(fd, WT_WHY_BYTES_UNSYNCED);
	return 0;
}

/*
 * Called when the file has its new name. If its bytes were not written through under the old one,
 * they are made stable now, before the name is: a stable name of lost bytes would be worse than
 * none.
 */
static int named(struct renamed *renamed, const struct wt_path *place)
{
	struct stat st;
	int ret = 0;

	if (!renamed->err && !renamed->before && !wt_stats_event_at(0) &&
	    (!S_ISREG(renamed->st.st_mode) ||
	     !wt_namespace_may_have_rule(place, O_NOFOLLOW, WT_LEVEL_DSYNC)))
		return 0;
	int fd = renamed->err ? renamed->err : wt_namespace_look(place, O_NOFOLLOW);
	/* Or another process has moved the file on, or has put another one there. */
	if (fd < 0 || wt_sys.identify(fd, &st) || !wt_is_same_file(&st, &renamed->st)) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		ret = error_or(fd, 0);
	} else {
		ret = named_by_fd(renamed, fd, place);
	}
	close_if_open(fd);
	return ret;
}

static int change_by_rename(const struct wt_naming *naming)
{
	bool exchanges = naming->flags & RENAME_EXCHANGE;
	struct renamed one = renamed_at(&naming->from), other = { 0 };

	if (exchanges)
		other = renamed_at(&naming->to);
	int err = pass(naming);
	if (err)
		return err;
	int bytes_err = named(&one, &naming->to);
	if (exchanges && !bytes_err)
		bytes_err = named(&other, &naming->from);
	if (!(one.before | one.after | other.before | other.after))
		return 0;
	err = sync_names(naming, &naming->to, &naming->from);
	return bytes_err ? bytes_err : err;
}

/*
 * The level that the linked file had. It may have had no name: an empty path means the descriptor
 * (AT_EMPTY_PATH).
 */
static enum wt_level level_of_linked(const struct wt_naming *naming)
{
	const struct wt_path *from = &naming->from;
	enum wt_level level;
	struct stat st;

	if (naming->flags & AT_EMPTY_PATH && !*from->path)
		return level_of(from->dirfd, NULL);
	wt_namespace_level_at(from, naming->flags & AT_SYMLINK_FOLLOW ? 0 : O_NOFOLLOW,
			      WT_LEVEL_DSYNC, &st, &level);
	return level;
}

static int change_by_link(const struct wt_naming *naming)
{
	int err = pass(naming);

	if (err)
		return err;
	struct renamed linked = { .before = level_of_linked(naming) };
	linked.err = wt_sys.identify_at(naming->to.dirfd, naming->to.path, AT_SYMLINK_NOFOLLOW,
					&linked.st);
	int bytes_err = named(&linked, &naming->to);
	if (!(linked.before | linked.after))
		return 0;
	err = sync_names(naming, &naming->to, NULL);
	return bytes_err ? bytes_err : err;
}

static int change_by_unlink(const struct wt_naming *naming)
{
	struct renamed gone = renamed_at(&naming->from);
	int err = pass(naming);

	if (err)
		return err;
	if (gone.err) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		return error_or(gone.err, 0);
	}
	return gone.before ? sync_names(naming, &naming->from, NULL) : 0;
}

int wt_namespace_change(const struct wt_naming *naming)
{
	if (naming->call >= WT_UNLINK)
		return change_by_unlink(naming);
	return naming->call >= WT_LINK ? change_by_link(naming) : change_by_rename(naming);
}

void wt_namespace_opened_unseen(const struct wt_path *place)
{
	struct stat st;
	int err = wt_sys.identify_at(place->dirfd, place->path, 0, &st);
	bool is_new = err == -ENOENT;

	if ((err && !is_new) || !wt_namespace_may_have_rule(place, 0, WT_LEVEL_THROUGH))
		return;
	int fd = is_new ? wt_namespace_open_parent(place, O_PATH) : wt_namespace_look(place, 0);
	if (fd >= 0 && (is_new || wt_namespace_level(fd, place, WT_LEVEL_THROUGH)))
		wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_way_text(WT_WAY_RING));
	close_if_open(fd);
}

int wt_namespace_truncate(const char *path, off_t len)
{
	if (wt_real.truncate(path, len))
		return -*wt_thread_failure();
	const struct wt_path place = { AT_FDCWD, path };
	if (!wt_namespace_may_have_rule(&place, 0, WT_LEVEL_THROUGH))
		return 0;
	int fd = wt_namespace_look(&place, 0);
	if (fd < 0) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		return error_or(fd, 0);
	}
	/* The next fdatasync has something to do, whether or not this name has a rule. */
	wt_elide_doubt(fd);
	enum wt_level level = wt_namespace_level(fd, &place, WT_LEVEL_THROUGH);
	int ret = level ? sync_file(fd, level != WT_LEVEL_SYNC) : 0;
	if (ret == CANNOT)
		not_covered(fd, WT_WHY_SIZE_UNSYNCED);
	wt_sys.close(fd);
	return ret == CANNOT ? 0 : ret;
}

int wt_namespace_resized(int fd)
{
	union wt_verdict verdict;

	if (wt_resolve_verdict(fd, &verdict))
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
