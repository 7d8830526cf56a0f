/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "control.h"
#include "orders.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *converse(void *argument)
{
	int fd = (intptr_t)argument;
	FILE *in = fdopen(fd, "r");
	FILE *out = fdopen(dup(fd), "w");
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while (in && out && (length = getline(&line, &room, in)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = 0;
		orders_obey(line, out);
		if (fflush(out))
			break;
	}
	free(line);
	if (out)
		fclose(out);
	if (in)
		fclose(in);
	else
		close(fd);
	return NULL;
}

static void *listen_forever(void *argument)
{
	int listener = (intptr_t)argument;
	pthread_t thread;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR) {
		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, converse, (void *)(intptr_t)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
	return NULL;
}

int control_start(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;
	int error;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, SOMAXCONN))
		error = -errno;
	else
		error = -pthread_create(&thread, NULL, listen_forever, (void *)(intptr_t)fd);
	if (error)
		close(fd);
	else
		pthread_detach(thread);
	return error;
}
