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

/* What a sync answers that could not be asked for, besides 0 and -errno. */
#define CANNOT 1

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

/* The level of a file where its names matter. */
static enum wt_level level_of(int fd, const struct wt_path *place)
{
	return wt_namespace_level(fd, place, WT_LEVEL_DSYNC);
}

/* A refusal leads to another way, an error of the disk never does. */
static int answer_of(int err)
{
	return wt_sys_is_refusal(err) || err == -EBADF || err == -EINTR ? CANNOT : err;
}

/* A sync of the file has returned this. Its success counts while the file system lives. */
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

/* Stronger and slower than what is wanted: all of the file system that holds the file. */
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

		ret = dir < 0 ? unseen(dir, CANNOT) : CANNOT;

		/* A file can be mounted alone. */
		if (dir >= 0 && !wt_sys.identify(dir, &around) && around.st_dev == st.st_dev)
			ret = sync_by(wt_sys.syncfs, dir);
		close_if_open(dir);
	}
	wt_small_buffer_leave(&room);
	return ret;
}

/* `fd` may be an O_PATH descriptor. */
static int sync_file(int fd, bool datasync)
{
	struct wt_private_open private_open;
	int ret = CANNOT;

	if (!wt_private_open_get(&private_open, fd)) {
		datasync = datasync && !wt_inline_is(fd);
		ret = wt_private_open_sync(&private_open, WT_WHOLE_FILE, datasync);
		ret = ret == -ESTALE || ret == -ECANCELED ? CANNOT : synced(fd, ret);
	}
	/* The kernel tells an error to openings yet to come until somebody has seen it. */
	if (ret < 0)
		wt_pending_error_keep_for_later(fd, ret);
	/* It would hold the file. */
	wt_mirror_closing(fd);
	return ret == CANNOT ? sync_filesystem_of(fd) : ret;
}

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

/* `done` is the directory that was synced before, and becomes this one. */
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
		return unseen(dir, CANNOT);
	int ret = sync_by(wt_sys.fsync, dir);
	wt_sys.close(dir);
	*done = st;
	return ret;
}

/* Where the directory cannot be: a sync of the file that has a name there brings it along. */
static int sync_named(const struct wt_naming *naming, const struct wt_path *changed)
{
	bool exchanged = naming->flags & RENAME_EXCHANGE;
	int ret = CANNOT;

	if (naming->call < WT_UNLINK) {
		int fd = wt_namespace_look(exchanged ? changed : &naming->to, O_NOFOLLOW);

		ret = fd < 0 ? unseen(fd, CANNOT) : sync_file(fd, false);
		close_if_open(fd);
	}
	if (ret != CANNOT)
		return ret;
	int dir = wt_namespace_open_parent(changed, O_PATH);
	not_covered(dir, WT_WHY_NAMES_UNSYNCED);
	close_if_open(dir);
	return 0;
}

/* Makes the names stable that were changed at the places; `second` may be NULL. */
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

/* A file that is given another name. */
struct bearer {
	int err; /* -errno where it could not be looked at */
	struct stat st;
	enum wt_level before;
	enum wt_level after;
};

static struct bearer bearer_of(const struct wt_path *place)
{
	struct bearer bearer = { 0 };

	bearer.err = wt_namespace_level_at(place, O_NOFOLLOW, WT_LEVEL_DSYNC, &bearer.st,
					   &bearer.before);
	return bearer;
}

/* Under its new name, by a descriptor of it. 0 or the -errno of a sync. */
static int named_as(struct bearer *bearer, int fd, const struct wt_path *place)
{
	int ret = 0;

	bearer->after = level_of(fd, place);
	wt_stats_renamed(fd);
	/* Before the sync: no write that comes after it may be left out. */
	if (bearer->after > bearer->before)
		wt_fdtable_doubt(&bearer->st);
	if (bearer->after && !bearer->before)
		ret = sync_file(fd, bearer->after == WT_LEVEL_DSYNC);
	if (ret != CANNOT)
		return ret;
	not_covered(fd, WT_WHY_BYTES_UNSYNCED);
	return 0;
}

/*
 * It has its new name. Its bytes were written through under the old one, or else they are made
 * stable now, before the name is: a stable name of lost bytes would be worse than none.
 */
static int named(struct bearer *bearer, const struct wt_path *place)
{
	struct stat st;
	int ret = 0;

	if (!bearer->err && !bearer->before && !wt_stats_event_at(0) &&
	    (!S_ISREG(bearer->st.st_mode) ||
	     !wt_namespace_may_have_rule(place, O_NOFOLLOW, WT_LEVEL_DSYNC)))
		return 0;
	int fd = bearer->err ? bearer->err : wt_namespace_look(place, O_NOFOLLOW);
	/* Or another has moved it on since, or put another file there. */
	if (fd < 0 || wt_sys.identify(fd, &st) || !wt_is_same_file(&st, &bearer->st)) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		ret = unseen(fd, 0);
	} else {
		ret = named_as(bearer, fd, place);
	}
	close_if_open(fd);
	return ret;
}

static int change_by_rename(const struct wt_naming *naming)
{
	bool exchanges = naming->flags & RENAME_EXCHANGE;
	struct bearer one = bearer_of(&naming->from), other = { 0 };

	if (exchanges)
		other = bearer_of(&naming->to);
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

/* The old name stays. It may be none: an empty path is the descriptor (AT_EMPTY_PATH). */
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
	struct bearer linked = { .before = level_of_linked(naming) };
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
	struct bearer gone = bearer_of(&naming->from);
	int err = pass(naming);

	if (err)
		return err;
	if (gone.err) {
		not_covered(-1, WT_WHY_NAME_UNSEEN);
		return unseen(gone.err, 0);
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
		return unseen(fd, 0);
	}
	/* Whatever its name is now: the program's next fdatasync has something to do. */
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
