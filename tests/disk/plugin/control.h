/* SPDX-License-Identifier: MIT */
/*
 * control - the disk's Unix socket: a command a line, answered by lines of facts and a last line
 * that is "ok" or "error: ...". tests/disk/README.md lists the commands.
 */
#ifndef DISK_CONTROL_H
#define DISK_CONTROL_H

/* Listens, and serves each connection in a thread of its own. 0 or -errno. */
int control_start(const char *path);

#endif
