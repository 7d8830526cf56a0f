/* SPDX-License-Identifier: MIT */
/*
 * control - talks to the disk from a test in C: one connection, one command at a time.
 *
 *	struct disk disk;
 *
 *	if (!disk_connect(&disk, getenv("DISK_CTL")) && disk_command(&disk, "status"))
 *		writes = disk_fact(disk.answer, "write");
 *
 * A struct disk belongs to one thread. Nothing here is a write that libwt would look at.
 */
#ifndef WT_TESTS_DISK_CONTROL_H
#define WT_TESTS_DISK_CONTROL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct disk {
	int fd;
	char *answer; /* of the last command, without its last line; until the next command */
	size_t room;
	char error[256]; /* why the last command failed */
};

struct disk_request {
	uint64_t number;
	char op[8]; /* read, write, zero, trim or flush */
	uint64_t offset;
	uint64_t length;
	char error[16]; /* "0", "EIO", ... */
	int64_t arrived_ns;
	int64_t completed_ns; /* 0: under way */
};

/* 0 or -errno. */
static inline int disk_connect(struct disk *disk, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(disk, 0, sizeof(*disk));
	if (!path || strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	strcpy(address.sun_path, path);
	disk->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (disk->fd < 0 || connect(disk->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

static inline void disk_disconnect(struct disk *disk)
{
	close(disk->fd);
	free(disk->answer);
	disk->answer = NULL;
}

/* The start of the last line, once all of the answer is there. */
static inline char *disk_last_line(char *answer, size_t length)
{
	char *newline;

	if (!length || answer[length - 1] != '\n')
		return NULL;
	answer[length - 1] = 0;
	newline = strrchr(answer, '\n');
	answer[length - 1] = '\n';
	newline = newline ? newline + 1 : answer;
	return !strcmp(newline, "ok\n") || !strncmp(newline, "error: ", 7) ? newline : NULL;
}

static inline bool disk_receive(struct disk *disk)
{
	size_t filled = 0;
	char *last;
	ssize_t got;

	do {
		if (disk->room - filled < 4096) {
			disk->room += 65536;
			disk->answer = realloc(disk->answer, disk->room);
			if (!disk->answer)
				abort();
		}
		got = recv(disk->fd, disk->answer + filled, disk->room - filled - 1, 0);
		if (got <= 0) {
			snprintf(disk->error, sizeof(disk->error), "the disk does not answer");
			return false;
		}
		filled += got;
		disk->answer[filled] = 0;
	} while (!(last = disk_last_line(disk->answer, filled)));
	snprintf(disk->error, sizeof(disk->error), "%s", *last == 'e' ? last + 7 : "");
	disk->error[strcspn(disk->error, "\n")] = 0;
	*last = 0;
	return !disk->error[0];
}

/* Sends the formatted command; true with what the disk says in answer, or false with error. */
__attribute__((format(printf, 2, 3))) static inline bool disk_command(struct disk *disk,
								      const char *format, ...)
{
	char line[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(line) - 1) {
		snprintf(disk->error, sizeof(disk->error), "the command is too long");
		return false;
	}
	line[length++] = '\n';
	if (send(disk->fd, line, length, MSG_NOSIGNAL) != length) {
		snprintf(disk->error, sizeof(disk->error), "the disk does not listen");
		return false;
	}
	return disk_receive(disk);
}

/* The number after "key=" at the start of a line; -1 if there is none. */
static inline int64_t disk_fact(const char *answer, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = answer; line && *line;) {
		if (!strncmp(line, key, length) && line[length] == '=')
			return strtoll(line + length + 1, NULL, 10);
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return -1;
}

/* Reads the request on this line of the answer to `log`; gives the next line, NULL at the end. */
static inline const char *disk_log_next(const char *line, struct disk_request *request)
{
	int used = 0;

	if (sscanf(line, "%lu %7s %lu %lu %15s %ld %ld\n%n", &request->number, request->op,
		   &request->offset, &request->length, request->error, &request->arrived_ns,
		   &request->completed_ns, &used) != 7)
		return NULL;
	return line + used;
}

#endif
