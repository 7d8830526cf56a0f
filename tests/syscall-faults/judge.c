/* SPDX-License-Identifier: MIT */
/*
 * What has become of a write that returned success. Right after it: no page of it is dirty or on
 * its way, and the device has its bytes, read past the file system, or past the cache with
 * O_DIRECT where the file system does not tell where they lie. After a cut: the file has them.
 */
#include "syscall_faults.h"

#include "../lib/probe.h"

/* Threads that share an offset, or append, do not know where they wrote. */
static bool find(int fd, const char *bytes, struct record *record)
{
	size_t header = record->len < 16 ? record->len : 16, len;
	struct stat now;
	char *all, *found = NULL;

	if (record->offset >= 0)
		return true;
	if (fstat(fd, &now) || now.st_size > 8L << 20)
		return false;
	all = malloc(now.st_size + 1);
	len = pread(fd, all, now.st_size, 0);
	if (len <= (size_t)now.st_size)
		found = memmem(all, len, bytes, header);
	record->offset = found ? found - all : -1;
	free(all);
	return found;
}

/* Whole pages of the record where other threads write beside it: the rest may be dirty by them. */
static bool is_clean(const struct file *file, int fd, const struct record *record, char *why,
		     size_t room)
{
	uint64_t start = record->offset, end = start + record->len;
	struct probe_cache cache = { 0 };

	if (!file->alone && file->method->place != AT_REGION) {
		start = (start + PROBE_BLOCK - 1) / PROBE_BLOCK * PROBE_BLOCK;
		end = end / PROBE_BLOCK * PROBE_BLOCK;
	}
	int err = start < end ? probe_cachestat(fd, start, end - start, &cache) : 0;
	if (!err && !cache.dirty && (!cache.writeback || file->level == ASYNC))
		return true;
	snprintf(why, room, "cachestat %d, %lu pages dirty, %lu on their way", err, cache.dirty,
		 cache.writeback);
	return false;
}

/* On btrfs, which does not tell where on the device they lie, by a read that goes there. */
static bool is_on_disk(const struct file *file, int fd, const char *bytes,
		       const struct record *record, char *why, size_t room)
{
	const char *fs = getenv("DISK_FS");

	if (fs && !strcmp(fs, "btrfs")) {
		if (!is_clean(file, fd, record, why, room))
			return false;
		if (probe_read_equal(file->path, O_DIRECT, record->offset, bytes, record->len))
			return true;
		snprintf(why, room, "an O_DIRECT read does not see it");
		return false;
	}
	if (probe_device_equal(fd, getenv("DISK_DEV"), record->offset, bytes, record->len))
		return true;
	snprintf(why, room, "the device does not have it");
	return false;
}

/* The file that a record is in; for one that has none, whether the change of the name or the size
 * is there. */
static bool is_changed(const struct file *file, struct record *record, struct file *at, char *why,
		       size_t room)
{
	const char *name = file->method->name;
	struct stat now = { 0 };

	*at = *file;
	if (file->method->place != AT_NAME)
		return true;
	record->offset = 0;
	if (strcmp(name, "resize"))
		name_of(at->path, sizeof(at->path), file->path, file->id, record->thread,
			record->seq);
	bool is_there = !stat(at->path, &now);
	/* Another thread may have given it an older size again. */
	if (!strcmp(name, "resize") ? now.st_size >= size_of(file->alone ? record->seq : 0)
				    : is_there == (strcmp(name, "unlink") != 0))
		return true;
	snprintf(why, room, "%s has not happened: size %ld", name, is_there ? now.st_size : -1);
	return false;
}

static bool has_no_bytes(const struct method *method)
{
	return !strcmp(method->name, "resize") || !strcmp(method->name, "unlink");
}

static char *bytes_of(const struct file *file, const struct record *record)
{
	char *bytes = probe_buffer(file->method->len + PROBE_BLOCK);

	fill(bytes, file->method->len, file->id, record->thread, record->seq);
	return bytes;
}

/* Whether a look at the file and its bytes finds all as it has to be; `why` says what is not. */
typedef bool look_fn(const struct file *file, int fd, const char *bytes, struct record *record,
		     char *why, size_t room);

static bool judge(const struct file *written, struct record *record, look_fn *look, char *why,
		  size_t room)
{
	struct file at;

	if (!is_changed(written, record, &at, why, room))
		return false;
	if (has_no_bytes(written->method))
		return true;
	char *bytes = bytes_of(&at, record);
	int fd = open(at.path, O_RDONLY | O_CLOEXEC);
	bool good = look(&at, fd, bytes, record, why, room);

	close(fd);
	free(bytes);
	return good;
}

static bool look_live(const struct file *file, int fd, const char *bytes, struct record *record,
		      char *why, size_t room)
{
	if (!find(fd, bytes, record)) {
		snprintf(why, room, "the file does not have it");
		return false;
	}
	if (file->alone && !is_clean(file, fd, record, why, room))
		return false;
	if (file->level != ASYNC && !is_on_disk(file, fd, bytes, record, why, room))
		return false;
	if (probe_read_equal(file->path, 0, record->offset, bytes, record->len))
		return true;
	snprintf(why, room, "a read does not see it");
	return false;
}

static bool look_stored(const struct file *file, int fd, const char *bytes, struct record *record,
			char *why, size_t room)
{
	if (!find(fd, bytes, record)) {
		snprintf(why, room, "the file has it no more");
		return false;
	}
	if (probe_read_equal(file->path, 0, record->offset, bytes, record->len))
		return true;
	snprintf(why, room, "the file has other bytes at %ld", record->offset);
	return false;
}

bool judge_live(const struct file *written, struct record *record, char *why, size_t room)
{
	return judge(written, record, look_live, why, room);
}

bool judge_stored(const struct file *written, struct record *record, char *why, size_t room)
{
	return judge(written, record, look_stored, why, room);
}
