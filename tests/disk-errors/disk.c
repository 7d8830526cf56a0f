/* SPDX-License-Identifier: MIT */
/*
 * The file before, the failures of its disk, and the file's bytes on the disk afterwards. These are
 * asked of the disk itself, by the places that the file system gives the file, so that no request
 * of ours changes anything; or, after a power cut, of the file system that was mounted again.
 *
 * Only requests that carry bytes of a writer fail: metadata that cannot be written would end the
 * file system, and that is not what is tested.
 */
#include "disk_errors.h"
#include "../disk/control.h"
#include "../disk/extents.h"

#include <libgen.h>
#include <sys/stat.h>

#define PIECE (1UL << 20)

void disk_order(struct trial *trial, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (trial->verbose)
		printf("# disk: %s\n", line);
	if (!disk_command(trial->disk, "%s", line)) {
		fprintf(stderr, "disk-errors: disk: %s: %s\n", line, trial->disk->error);
		exit(3);
	}
}

bool on_btrfs(void)
{
	const char *fs = getenv("DISK_FS");

	return fs && !strcmp(fs, "btrfs");
}

/* Whole blocks: what lies between is a hole, or one is beside it. */
static int lay(int fd, const struct plan *plan, enum ground ground, off_t at, size_t length)
{
	off_t first = at / BLOCK * BLOCK;
	off_t end = (at + length + BLOCK - 1) / BLOCK * BLOCK;
	char *bytes;

	if (end > plan->size && at + (off_t)length <= plan->size)
		end = plan->size;
	if (ground == UNWRITTEN)
		return end > first && fallocate(fd, 0, first, end - first) ? -errno : 0;
	if (ground == HOLE)
		return 0;
	bytes = malloc(PIECE);
	for (off_t done = first; bytes && done < end; done += PIECE) {
		size_t piece = end - done < (off_t)PIECE ? (size_t)(end - done) : PIECE;

		plan_fill(plan, -1, bytes, done, piece);
		if (pwrite(fd, bytes, piece, done) != (ssize_t)piece) {
			free(bytes);
			return errno ? -errno : -ENOSPC;
		}
	}
	free(bytes);
	return bytes ? 0 : -ENOMEM;
}

static int lay_all(int fd, const struct plan *plan)
{
	int error = 0;

	if (ftruncate(fd, plan->size))
		return -errno;
	if (plan->style == STREAMED)
		error = lay(fd, plan, plan->deed[0].ground, 0, plan->size);
	if (plan->style == APPENDED)
		error = lay(fd, plan, WRITTEN, 0, plan->size);
	for (int i = 0; !error && plan->style == PLACED && i < plan->writes; i++)
		if (plan->deed[i].ground != HOLE)
			error = lay(fd, plan, plan->deed[i].ground, plan->deed[i].at,
				    plan->deed[i].length);
	if (!error && plan->reserved &&
	    fallocate(fd, FALLOC_FL_KEEP_SIZE, plan->size, plan->reserved))
		error = -errno;
	return error;
}

static int sync_name(const char *path)
{
	char *copy = strdup(path);
	int dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = dir < 0 || fsync(dir) ? -errno : 0;

	if (dir >= 0)
		close(dir);
	free(copy);
	return error;
}

int disk_prepare_file(struct trial *trial)
{
	int flags = FS_NOCOW_FL;
	int fd, error;

	if (unlink(trial->path) && errno != ENOENT)
		return -errno;
	fd = open(trial->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = on_btrfs() && trial->plan->in_place && ioctl(fd, FS_IOC_SETFLAGS, &flags) ? -errno
											  : 0;
	if (!error)
		error = lay_all(fd, trial->plan);
	if (!error)
		error = fsync(fd) ? -errno : sync_name(trial->path);
	if (error) {
		close(fd);
		return error;
	}
	if (trial->plan->cold)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	trial->fd = fd;
	return 0;
}

/* Requests of this kind fail where this part of the file lies; how many extents that were. */
static int fail_part(struct trial *trial, const char *how, uint64_t first, uint64_t length)
{
	static struct extent extents[EXTENTS_MAX];
	int count = extents_of(trial->fd, 0, extents);
	int orders = 0;

	for (int i = 0; i < count; i++) {
		const struct extent *extent = &extents[i];
		uint64_t from = extent->at > first ? extent->at : first;
		uint64_t end = extent->at + extent->length;

		if (end > first + length)
			end = first + length;
		if (!extent->placed || from >= end)
			continue;
		disk_order(trial, "fail %s sectors=%lu-%lu", how,
			   (extent->device + from - extent->at) / 512,
			   (extent->device + end - 1 - extent->at) / 512);
		orders++;
	}
	return orders;
}

int disk_start_faults(struct trial *trial)
{
	const struct plan *plan = trial->plan;
	const struct faults *faults = &plan->faults;
	bool moves = on_btrfs() && !plan->in_place; /* nothing is written where it was */
	enum failing how = faults->how;
	char rest[80] = "";
	int used;

	used = snprintf(rest, sizeof(rest), "error=%s", faults->no_space ? "ENOSPC" : "EIO");
	if (faults->times)
		snprintf(rest + used, sizeof(rest) - used, " times=%d", faults->times);
	if (how == IN_RANGE && (moves || !fail_part(trial, rest, faults->first, faults->length)))
		how = BAD_BLOCKS;
	if (how == BAD_BLOCKS)
		disk_order(trial, "fail mark=" MARK " bad=%g seed=%lu %s", faults->share,
			   plan->seed, rest);
	if (how == BY_CHANCE)
		disk_order(trial, "fail mark=" MARK " chance=%g seed=%lu %s", faults->share,
			   plan->seed, rest);
	if (how == SOME_TIMES)
		disk_order(trial, "fail mark=" MARK " %s", rest);
	if (faults->flushes < 0)
		disk_order(trial, "fail op=flush chance=0.5 seed=%lu", plan->seed);
	if (faults->flushes > 0)
		disk_order(trial, "fail op=flush times=%d", faults->flushes);
	if (faults->reads)
		fail_part(trial, "op=read", 0, FILE_MAX);
	return 0;
}

/* From here on nothing that the writers left behind can reach the disk. */
static void freeze(struct trial *trial)
{
	disk_order(trial, "delay op=write us=0");
	disk_order(trial, "delay op=flush us=0");
	disk_order(trial, "heal");
	disk_order(trial, "fail mark=" MARK);
}

static int load_piece(struct trial *trial, const struct extent *extent, const char *file,
		      bool stable)
{
	uint64_t length = extent->length;
	int fd, error = 0;

	if (extent->at >= trial->found_length)
		return 0;
	if (length > trial->found_length - extent->at)
		length = trial->found_length - extent->at;
	disk_order(trial, "dump file=%s of=%s sectors=%lu-%lu", file, stable ? "stable" : "reads",
		   extent->device / 512, (extent->device + extent->length - 1) / 512);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, trial->found + extent->at, length, 0) != (ssize_t)length)
		error = -ENODATA;
	if (fd >= 0)
		close(fd);
	return error;
}

/*
 * What the disk has of the file, as a read sees it or as it was stable, where the file system says
 * that it lies. btrfs says so of the last writes only when it is asked to wait for them.
 */
int disk_take_evidence(struct trial *trial, bool stable)
{
	static struct extent extents[EXTENTS_MAX];
	char file[300];
	struct stat st;
	int count, error = 0;

	freeze(trial);
	if (fstat(trial->fd, &st))
		return -errno;
	trial->found_length = st.st_size;
	free(trial->found);
	trial->found = calloc(1, st.st_size + 1);
	if (!trial->found)
		return -ENOMEM;
	/* An error of what it waits for ends the waiting, and is told once. */
	for (int tries = 0; tries < 50; tries++) {
		count = extents_of(trial->fd, on_btrfs() && tries < 49 ? FIEMAP_FLAG_SYNC : 0,
				   extents);
		if (count != -EIO && count != -ENOSPC)
			break;
	}
	if (count < 0)
		return count;
	snprintf(file, sizeof(file), "%s.dump", trial->tape_path);
	for (int i = 0; !error && i < count; i++)
		if (extents[i].placed && extents[i].written)
			error = load_piece(trial, &extents[i], file, stable);
	return error;
}

int disk_stop_faults(struct trial *trial)
{
	disk_order(trial, "heal");
	return 0;
}

/* A new file system, whatever has become of this one. */
int disk_renew(struct trial *trial)
{
	disk_order(trial, "heal");
	return system("\"$WT_TOP/tests/disk/mount\" new") ? -EIO : 0;
}

/*
 * The power went when all writes had returned; the file system comes back with what was stable.
 * -EUCLEAN if it does not come back.
 */
int disk_cut_and_look(struct trial *trial)
{
	freeze(trial);
	disk_order(trial, "heal");
	return disk_come_back(trial);
}

/* At one of the requests that a schedule makes, or when it has made all. */
void disk_vanish_soon(struct trial *trial)
{
	disk_order(trial, "vanish seed=%lu within=%d", trial->plan->seed, 4 * trial->plan->writes);
}

/*
 * The file system is unmounted, whether there is a disk or not, the disk is there again and mounted
 * again. -EUCLEAN if that is not possible.
 */
int disk_come_back(struct trial *trial)
{
	struct stat st;
	ssize_t got = 0;

	close(trial->fd);
	trial->fd = -1;
	if (system("\"$WT_TOP/tests/disk/mount\" again"))
		return -EUCLEAN;
	trial->fd = open(trial->path, O_RDWR | O_CLOEXEC);
	if (trial->fd < 0 || fstat(trial->fd, &st))
		return -errno;
	trial->found_length = st.st_size;
	trial->found = calloc(1, st.st_size + PIECE);
	if (!trial->found)
		return -ENOMEM;
	/* What cannot be read, as its checksum is of other bytes, the disk does not have. */
	for (off_t done = 0; done < st.st_size; done += got) {
		got = pread(trial->fd, trial->found + done, PIECE, done);
		if (got <= 0) {
			got = BLOCK;
			if (pread(trial->fd, trial->found + done, BLOCK, done) <= 0)
				memset(trial->found + done, 0, BLOCK);
		}
	}
	return 0;
}
