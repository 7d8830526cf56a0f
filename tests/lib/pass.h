/* SPDX-License-Identifier: MIT */
/* pass - a descriptor's way into another process, over a Unix socket (unix(7), SCM_RIGHTS). */
#ifndef WT_TESTS_PASS_H
#define WT_TESTS_PASS_H

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

struct pass {
	struct msghdr message;
	struct iovec iov;
	char byte;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

static inline struct cmsghdr *pass_prepare(struct pass *pass)
{
	*pass = (struct pass){ .iov = { &pass->byte, 1 } };
	pass->message = (struct msghdr){ .msg_iov = &pass->iov,
					 .msg_iovlen = 1,
					 .msg_control = pass->control,
					 .msg_controllen = sizeof(pass->control) };
	return CMSG_FIRSTHDR(&pass->message);
}

/* Whether it was sent. */
static inline bool pass_send(int socket, int fd)
{
	struct pass pass;
	struct cmsghdr *header = pass_prepare(&pass);

	*header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				    .cmsg_type = SCM_RIGHTS,
				    .cmsg_len = CMSG_LEN(sizeof(fd)) };
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &pass.message, 0) == 1;
}

/* The descriptor, or -1; `flags` as recvmsg(2) takes them. */
static inline int pass_receive(int socket, int flags)
{
	struct pass pass;
	int fd = -1;

	pass_prepare(&pass);
	if (recvmsg(socket, &pass.message, flags) == 1 && CMSG_FIRSTHDR(&pass.message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&pass.message)), sizeof(fd));
	return fd;
}

#endif
