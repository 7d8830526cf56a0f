/* SPDX-License-Identifier: MIT */
/*
 * The disk as an nbdkit plugin: parameters, and the calls that become requests.
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "control.h"
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static int64_t size = 512 << 20;
static int64_t cache = 256 << 20;
static char *image;
static char *control;

static int take_size(const char *key, const char *value, int64_t *bytes)
{
	*bytes = nbdkit_parse_size(value);
	if (*bytes > 0 && *bytes % MEDIA_SECTOR == 0)
		return 0;
	nbdkit_error("%s=%s: expected a multiple of %d bytes", key, value, MEDIA_SECTOR);
	return -1;
}

static int disk_config(const char *key, const char *value)
{
	if (!strcmp(key, "size"))
		return take_size(key, value, &size);
	if (!strcmp(key, "cache"))
		return take_size(key, value, &cache);
	if (!strcmp(key, "image"))
		return (image = nbdkit_realpath(value)) ? 0 : -1;
	if (!strcmp(key, "control"))
		return (control = nbdkit_absolute_path(value)) ? 0 : -1;
	nbdkit_error("%s: expected size, cache, image or control", key);
	return -1;
}

static int disk_get_ready(void)
{
	int error = media_create(size, cache, image);

	if (error)
		nbdkit_error("%s: %s", image ? image : "memory", strerror(-error));
	return error ? -1 : 0;
}

/* Threads do not survive nbdkit's fork. */
static int disk_after_fork(void)
{
	int error = control ? control_start(control) : 0;

	if (error)
		nbdkit_error("%s: %s", control, strerror(-error));
	return error ? -1 : 0;
}

static void *disk_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t disk_get_size(void *handle)
{
	(void)handle;
	return media_size();
}

static int answer(int error)
{
	errno = -error;
	return error ? -1 : 0;
}

static int disk_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return answer(disk_serve(REQUEST_READ, buf, offset, count));
}

static int disk_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset,
		       uint32_t flags)
{
	(void)handle;
	(void)flags;
	return answer(disk_serve(REQUEST_WRITE, (void *)buf, offset, count));
}

static int disk_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return answer(disk_serve(REQUEST_FLUSH, NULL, 0, 0));
}

/* A trimmed range reads as zeros: the loop driver asks so for REQ_OP_WRITE_ZEROES. */
static int disk_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return answer(disk_serve(REQUEST_TRIM, NULL, offset, count));
}

static int disk_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return answer(disk_serve(REQUEST_ZERO, NULL, offset, count));
}

static struct nbdkit_plugin plugin = {
	.name = "disk",
	.description = "a disk in memory with a volatile cache, that fails when it is told to",
	.config = disk_config,
	.config_help = "size=SIZE (512M) cache=SIZE (256M) [image=FILE] [control=SOCKET]",
	.get_ready = disk_get_ready,
	.after_fork = disk_after_fork,
	.open = disk_open,
	.get_size = disk_get_size,
	.pread = disk_pread,
	.pwrite = disk_pwrite,
	.flush = disk_flush,
	.trim = disk_trim,
	.zero = disk_zero,
	.errno_is_preserved = 1,
};

struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
