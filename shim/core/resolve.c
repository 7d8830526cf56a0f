/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "engine/ladder.h"
#include "os/fd_path.h"
#include "os/process.h"
#include "os/real.h"
#include "os/small_buffer.h"
#include "os/sys.h"
#include "os/thread.h"
#include "report/log.h"
#include "report/stats.h"
#include "report/unruled.h"
#include "state/config.h"
#include "state/description.h"
#include "state/elide.h"
#include "state/inline_data.h"
#include "state/pending_error.h"
#include "state/shared.h"

static const union wt_verdict no_rule = { .state = WT_NO_RULE };

uint8_t wt_resolve_dio_shift(int fd, const struct wt_fs_kind *kind)
{
	struct statx stx;

	/* btrfs does not say what O_DIRECT needs. The mask has no times in it (wt_sys.identify). */
	if (wt_sys.statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx))
		return 0;
	/* Whole blocks of the file system: less than one would be read, changed and written. */
	unsigned int file_align = stx.stx_blksize;
	unsigned int memory_align = stx.stx_blksize;
	if (stx.stx_mask & STATX_DIOALIGN) {
		memory_align = stx.stx_dio_mem_align;
		if (stx.stx_dio_offset_align > file_align || file_align > 1U << 15 ||
		    !stx.stx_dio_offset_align)
			file_align = stx.stx_dio_offset_align;
	} else if (!(kind->flags & WT_FS_DIRECT)) {
		return 0;
	}
	if (!file_align || !memory_align || file_align > 1U << 15 || memory_align > 1U << 15)
		return 0;
	return __builtin_ctz(file_align) | __builtin_ctz(memory_align) << 4;
}

/*
 * Logs a file whose rule cannot be kept: -ENOTSUP under WT_STRICT, else 0. A file that gets no rule
 * is reported as not covered here, any other one by its writes.
 */
static int refuse_or_leave(int fd, const char *path, enum wt_reason why, union wt_verdict *verdict)
{
	wt_log(wt_config.strict ? WT_LOG_ERROR : WT_LOG_INFO, "%s is not covered: %s", path,
	       wt_reason_text(why));
	if (wt_config.strict)
		return -ENOTSUP;
	if (verdict->state == WT_NO_RULE)
		wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_reason_text(why));
	return 0;
}

static struct wt_unruled unruled_of(union wt_verdict verdict)
{
	return (struct wt_unruled){ verdict.unruled.place,
				    verdict.state == WT_NO_RULE ? verdict.unruled.tag : 0 };
}

/* Gives a file under no rule its place in the report, if there is a report. */
static void find_place(const char *path, union wt_verdict *verdict)
{
	struct wt_unruled file = wt_unruled_find(path);

	if (!file.tag)
		return;
	verdict->unruled.place = file.place;
	verdict->unruled.tag = file.tag;
}

/*
 * For a path that only /proc shows, at which this file is not found here. If the path has a rule,
 * that is applied; if not, the file's real path may have one. A file without a disk needs no rule.
 */
static int refuse_or_leave_doubtful(int fd, const struct stat *st, const char *path,
				    union wt_verdict *verdict)
{
	int fs = wt_filesystem_of(fd, st->st_dev);

	if (fs < 0 || wt_filesystem_at(fs)->kind->flags & WT_FS_NO_DISK)
		return 0;
	return refuse_or_leave(fd, path, WT_WHY_NAME_NOT_ITS_OWN, verdict);
}

/* The verdict of a file on the file system `fs` under a rule. */
static union wt_verdict verdict_under(const struct wt_rule *rule, int fd, int fs)
{
	struct wt_filesystem *filesystem = wt_filesystem_at(fs);
	uint8_t shift = wt_resolve_dio_shift(fd, filesystem->kind);
	struct wt_choice choice = wt_ladder_choose(rule, filesystem, shift);

	return (union wt_verdict){
		.state = WT_RULED,
		.rule = rule - wt_config.policy.rules,
		.engine = choice.engine->id,
		.asked = choice.fell ? rule->engine : 0,
		.reason = choice.reason,
		.fs = fs,
		.dio_shift = shift,
		.may_be_inline = filesystem->kind->flags & WT_FS_INLINE && wt_inline_may_be(fd),
	};
}

static void count_file(union wt_verdict verdict, const struct stat *st)
{
	wt_stats_file(verdict.rule, verdict.engine, wt_reason_text(verdict.reason), st->st_dev,
		      st->st_ino);
}

/* Finds the verdict of the file by its path. 0 or -ENOTSUP. */
static int decide(int fd, const struct stat *st, const char *path, union wt_verdict *verdict)
{
	const struct wt_policy *policy = &wt_config.policy;
	const struct wt_rule *rule = wt_policy_match(policy, path);

	if (!rule)
		find_place(path, verdict);
	if (!rule || rule->level == WT_LEVEL_OFF)
		return 0;
	int fs = wt_filesystem_of(fd, st->st_dev);
	if (fs < 0)
		return refuse_or_leave(fd, path, WT_WHY_NO_NAME, verdict);

	*verdict = verdict_under(rule, fd, fs);
	wt_log(WT_LOG_INFO, "%s: rule %u, %s by %s: %s", path, verdict->rule + 1,
	       wt_level_name(rule->level), wt_engine_name(verdict->engine),
	       wt_reason_text(verdict->reason));
	count_file(*verdict, st);
	if (verdict->engine == WT_ENGINE_NONE ||
	    wt_filesystem_lacks(wt_filesystem_at(fs), rule->level))
		return refuse_or_leave(fd, path, verdict->reason, verdict);
	return 0;
}

/* Finds the verdict of a descriptor, and identifies its file into *st. 0 or -ENOTSUP. */
static int look_as(int fd, struct stat *st, const struct wt_path *place, union wt_verdict *verdict)
{
	struct wt_small_buffer room;
	bool hearsay;

	*verdict = no_rule;
	int err = wt_sys.identify(fd, st);
	/* A file that cannot be identified may still have a rule, which its path shows. */
	if (err && err != -EBADF) {
		*st = (struct stat){ .st_mode = S_IFREG };
		err = 0;
	}
	if (err || !S_ISREG(st->st_mode))
		return 0;
	wt_small_buffer_make(&room, 0);
	ssize_t len = wt_path_name(fd, st, place, room.at, room.size, &hearsay);
	if (len == -ENAMETOOLONG) {
		wt_small_buffer_make(&room, WT_PATH_BYTES);
		len = room.at ? wt_path_name(fd, st, place, room.at, room.size, &hearsay) : -ENOMEM;
	}
	if (len < 0)
		err = refuse_or_leave(fd, "a file without a name", WT_WHY_NO_NAME, verdict);
	else if (hearsay)
		err = refuse_or_leave_doubtful(fd, st, room.at, verdict);
	if (len >= 0 && !err)
		err = decide(fd, st, room.at, verdict);
	wt_small_buffer_leave(&room);
	return err;
}

/* The same, and counts a file under no rule as opened. */
static int look(int fd, const struct wt_path *place, union wt_verdict *verdict)
{
	struct stat st;
	int err = look_as(fd, &st, place, verdict);

	if (!err)
		wt_unruled_opened(unruled_of(*verdict), st.st_size);
	return err;
}

int wt_resolve_flags(int fd)
{
	int fl = wt_sys.getfl(fd);

	return fl >= 0 || fl == -EBADF ? fl : O_RDWR | O_APPEND;
}

uint64_t wt_resolve_file(int fd)
{
	uint64_t file = wt_fdtable_file(fd);
	struct stat st;

	if (likely(file) || wt_sys.identify(fd, &st))
		return file;
	file = wt_inode_hash(st.st_dev, st.st_ino);
	wt_fdtable_note_file(fd, file);
	return file;
}

int wt_resolve_adopt(int fd, union wt_verdict *verdict)
{
	*verdict = no_rule;
	if (unlikely(!wt_config.active))
		return 0;
	/* The kernel refuses a write to a descriptor that cannot write, so it needs no verdict. */
	int fl = wt_resolve_flags(fd);
	if (fl < 0 || (fl & O_ACCMODE) == O_RDONLY || fl & O_PATH)
		return 0;
	int err = look(fd, NULL, verdict);
	if (err)
		return err;
	if (verdict->state == WT_RULED)
		wt_shared_begin();
	uint64_t description = wt_description_number(false);
	if (wt_pending_error_any())
		wt_pending_error_opened(fd, description);
	wt_fdtable_learn(fd, *verdict, description);
	return 0;
}

int wt_resolve_verdict(int fd, union wt_verdict *verdict)
{
	*verdict = wt_fdtable_get(fd);
	return verdict->state == WT_UNKNOWN ? wt_resolve_adopt(fd, verdict) : 0;
}

enum wt_level wt_resolve_called_level(int flags)
{
	if (flags & RWF_SYNC)
		return WT_LEVEL_SYNC;
	return flags & RWF_DSYNC ? WT_LEVEL_DSYNC : WT_LEVEL_THROUGH;
}

bool wt_resolve_is_as_strong(union wt_verdict verdict, enum wt_level level)
{
	return verdict.state == WT_RULED && wt_config.policy.rules[verdict.rule].level >= level;
}

/* Never the direct engine: nobody has said that the file is written in no other way. */
int wt_resolve_called(int fd, enum wt_level level, union wt_verdict *verdict)
{
	const struct wt_policy *policy = &wt_config.policy;
	struct wt_fd *entry = wt_fdtable_entry(fd);
	size_t rule = policy->rules_len + (level - WT_LEVEL_THROUGH);
	struct stat st;

	verdict->word = entry ? atomic_load_explicit(&entry->called, memory_order_relaxed) : 0;
	if (likely(verdict->state == WT_RULED && verdict->rule == rule))
		return 0;
	if (rule >= policy->rules_len + policy->called_len || wt_sys.identify(fd, &st) ||
	    !S_ISREG(st.st_mode))
		return -EOPNOTSUPP;
	int fs = wt_filesystem_of(fd, st.st_dev);
	if (fs < 0 || wt_filesystem_lacks(wt_filesystem_at(fs), level))
		return -EOPNOTSUPP;
	*verdict = verdict_under(&policy->rules[rule], fd, fs);
	if (verdict->engine == WT_ENGINE_NONE)
		return -EOPNOTSUPP;
	wt_shared_begin();
	wt_fdtable_note_called(fd, *verdict);
	count_file(*verdict, &st);
	return 0;
}

bool wt_resolve_has_moved(int fd, union wt_verdict verdict)
{
	struct stat st;

	return verdict.state == WT_RULED && verdict.engine == WT_ENGINE_NONE &&
	       !wt_sys.identify(fd, &st) && st.st_dev != wt_filesystem_at(verdict.fs)->dev;
}

void wt_resolve_look_for_blocks(int fd, union wt_verdict *verdict)
{
	const union wt_verdict known = *verdict;

	if (likely(!known.may_be_inline) || wt_inline_may_be(fd))
		return;
	verdict->may_be_inline = 0;
	wt_fdtable_revise(fd, known, *verdict);
}

static _Atomic bool opens_stable;

void wt_resolve_open_stable(void)
{
	atomic_store(&opens_stable, true);
}

/*
 * Whether the process may hold record locks on the file, which closing any of its descriptors would
 * take away. A lock of the description's own conflicts with them, as with those of other processes.
 */
static bool may_be_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return wt_sys.getlock(fd, &lock) || lock.l_type != F_UNLCK;
}

/*
 * Opens the file again under the same number, with the flags `wanted` added. The flags that were
 * added; 0 if it cannot be done.
 */
static int reopen(int fd, int wanted)
{
	const int kept = O_ACCMODE | O_APPEND | O_DIRECT | O_NOATIME | O_NONBLOCK | O_SYNC;
	int fl = wt_sys.getfl(fd), fd_flags = wt_sys.getfd(fd);
	char path[WT_FD_PATH_LINK_BYTES];

	if (fl < 0 || fd_flags < 0 || (fl & wanted) == wanted || may_be_locked(fd))
		return 0;
	wt_fd_path_link(fd, path);
	int stable = wt_sys_open_aside(AT_FDCWD, path, (fl & kept) | wanted);
	if (stable < 0)
		return 0;
	int ret = wt_real.dup3(stable, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	wt_sys.close(stable);
	return ret < 0 ? 0 : wanted & ~fl;
}

/*
 * For a file that is written past libwt: O_DSYNC or O_SYNC makes the kernel bring it to its level,
 * though errors may then go to another write.
 */
static void make_stable(int fd, union wt_verdict verdict)
{
	enum wt_level level = wt_config.policy.rules[verdict.rule].level;
	int own = level < WT_LEVEL_DSYNC
			  ? 0
			  : reopen(fd, level == WT_LEVEL_SYNC || verdict.may_be_inline ? O_SYNC
										       : O_DSYNC);

	wt_fdtable_note_own_flags(fd, own);
	if (own)
		wt_stats_event(WT_EVENT_ERRORS_SHARED, fd, NULL, NULL,
			       wt_reason_text(WT_WHY_RING_UNSEEN));
	else if (level >= WT_LEVEL_THROUGH && !(wt_resolve_flags(fd) & O_DSYNC))
		wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL, wt_way_text(WT_WAY_RING));
}

int wt_resolve_opened(int fd, int flags, const struct wt_path *place)
{
	union wt_verdict verdict = { 0 };
	int err = 0;

	if (unlikely(!wt_config.active))
		return 0;
	if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH))
		err = look(fd, place, &verdict);
	if (err)
		verdict.word = 0;
	if (verdict.state == WT_RULED)
		wt_shared_begin();
	/* A new file may have the inode number of one that was synced. */
	if (unlikely(verdict.state == WT_RULED && flags & (O_TRUNC | O_CREAT) &&
		     wt_config.policy.rules[verdict.rule].fsync_elide))
		wt_elide_doubt(fd);
	/* A descriptor that only reads may get a pending error too. */
	bool counts = verdict.state == WT_RULED || wt_pending_error_any();
	uint64_t description = counts ? wt_description_number(true) : 0;
	if (description)
		wt_pending_error_opened(fd, description);
	wt_fdtable_set(fd, verdict, description);
	if (unlikely(verdict.state == WT_RULED && verdict.engine != WT_ENGINE_NONE &&
		     atomic_load_explicit(&opens_stable, memory_order_relaxed)))
		make_stable(fd, verdict);
	return err;
}

int wt_resolve_may_truncate(int dirfd, const char *path, int flags)
{
	union wt_verdict verdict;
	struct stat st;

	if (likely(!wt_config.strict) || !wt_config.active || !(flags & O_TRUNC))
		return 0;
	int fd = wt_sys_open_aside(dirfd, path, O_PATH | (flags & O_NOFOLLOW));
	if (fd < 0)
		return 0;
	int err = look_as(fd, &st, &(struct wt_path){ dirfd, path }, &verdict);
	wt_sys.close(fd);
	return err;
}

void wt_resolve_duplicated(int fd, int newfd)
{
	union wt_verdict verdict = wt_fdtable_get(fd);

	if (fd == newfd)
		return;
	/* The program that a vfork child executes gets newfd. */
	if (verdict.state == WT_RULED && unlikely(wt_process_is_vfork_child()))
		wt_description_share(wt_fdtable_description(fd));
	/* "No rule" is not copied: it is found again cheaply. */
	if (verdict.state != WT_RULED)
		verdict.word = 0;
	uint64_t file = wt_fdtable_file(fd);
	int own_flags = wt_fdtable_own_flags(fd);
	wt_fdtable_set(newfd, verdict, wt_fdtable_description(fd));
	if (unlikely(own_flags))
		wt_fdtable_note_own_flags(newfd, own_flags);
	if (file)
		wt_fdtable_note_file(newfd, file);
}

/*
 * The place of the file is another's by now, as in a forked child, which has the verdict but a
 * table of its own: looks the file up again.
 */
static void look_again(int fd, union wt_verdict verdict, uint64_t bytes)
{
	int *error = wt_thread_errno(), errno_before = *error;
	union wt_verdict found;

	if (wt_process_is_vfork_child())
		return;
	if (look(fd, NULL, &found) || found.state != WT_NO_RULE)
		found.word = 0;
	wt_fdtable_revise(fd, verdict, found);
	if (unruled_of(found).tag)
		wt_unruled_wrote(unruled_of(found), bytes);
	*error = errno_before;
}

void wt_resolve_wrote(int fd, union wt_verdict verdict, uint64_t bytes)
{
	struct wt_unruled file = unruled_of(verdict);

	if (file.tag && unlikely(!wt_unruled_wrote(file, bytes)))
		look_again(fd, verdict, bytes);
}

void wt_resolve_stream_ends(int fd, uint64_t pending)
{
	struct wt_unruled file = unruled_of(wt_fdtable_get(fd));
	struct stat st;

	if (wt_unruled_wants_size(file) && !wt_process_is_vfork_child() &&
	    !wt_sys.identify(fd, &st))
		wt_unruled_resized(file, st.st_size, pending);
}

void wt_resolve_closing(union wt_verdict verdict)
{
	struct wt_unruled file = unruled_of(verdict);

	if (file.tag && !wt_process_is_vfork_child())
		wt_unruled_closed(file);
}
