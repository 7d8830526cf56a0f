/* SPDX-License-Identifier: MIT */
/* Programs that are executed write to the file too; ends of a process; syscall(2). */
#include "symbol.h"

#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char *const arguments[] = { "echo", "by the other program", NULL };
static char *const environment[] = { "PATH=/usr/bin:/bin", "OWN=1", NULL };

static void open_file(void)
{
	make_file("file", 100);
	fd = open("file", O_WRONLY | O_APPEND);
}

/* The child's stdout is the file; both write there. */
static int execute(int (*exec_it)(const char *program), const char *program)
{
	open_file();
	pid_t child = fork();
	if (child == 0) {
		TELL(write(fd, "before\n", 7));
		judge("file");
		dup2(fd, STDOUT_FILENO);
		exec_it(program);
		_exit(DIFFERS);
	}
	return status_of(child);
}

static void all_exec(const char *program, int (*exec_it)(const char *program))
{
	TELL(execute(exec_it, program));
	judge("file");
	TELL(write(fd, "afterwards\n", 11));
	judge("file");
	TELL(exec_it("absent"));
	TELL(exec_it("/etc/passwd"));
}

#define EXECUTES(name, program, call)                                                              \
	static int exec_##name(const char *path)                                                   \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_exec(program, exec_##name);                                                    \
	}

EXECUTES(execve, "/bin/echo", execve(path, arguments, environment))
EXECUTES(execveat, "/bin/echo", execveat(AT_FDCWD, path, arguments, environment, 0))
EXECUTES(fexecve, "/bin/echo", fexecve(open(path, O_RDONLY | O_CLOEXEC), arguments, environment))
EXECUTES(execv, "/bin/echo", execv(path, arguments))
EXECUTES(execvp, "echo", execvp(path, arguments))
EXECUTES(execvpe, "echo", execvpe(path, arguments, environment))
EXECUTES(execl, "/bin/echo", execl(path, "echo", "-n", "one", "two", NULL))
EXECUTES(execlp, "echo", execlp(path, "echo", NULL))
EXECUTES(execle, "/bin/echo", execle(path, "echo", "three", NULL, environment))

/* The action gives the child a descriptor that is closed at exec otherwise. */
static int spawn(int (*spawn_it)(pid_t *, const char *, const posix_spawn_file_actions_t *,
				 const posix_spawnattr_t *, char *const[], char *const[]),
		 const char *program)
{
	posix_spawn_file_actions_t actions;
	pid_t child;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	int err = spawn_it(&child, program, &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -err;
	return status_of(child);
}

#define SPAWNS(name, program)                                                                      \
	void try_##name(void)                                                                      \
	{                                                                                          \
		make_file("file", 100);                                                            \
		fd = open("file", O_WRONLY | O_APPEND | O_CLOEXEC);                                \
		TELL(spawn(name, program));                                                        \
		judge("file");                                                                     \
		TELL(write(fd, "afterwards\n", 11));                                               \
		judge("file");                                                                     \
		TELL(spawn(name, "absent"));                                                       \
		TELL(spawn(name, "/etc/passwd"));                                                  \
	}

SPAWNS(posix_spawn, "/bin/echo")
SPAWNS(posix_spawnp, "echo")

void try_system(void)
{
	open_file();
	TELL(system("echo by a shell >>file"));
	judge("file");
	TELL(write(fd, "afterwards\n", 11));
	judge("file");
	TELL(system("exit 3"));
	TELL(system("kill -9 $$"));
	TELL(system(NULL));
}

static int write_as_clone(void *text)
{
	TELL(write(fd, text, strlen(text)));
	judge("file");
	return 7;
}

static int cloned(int flags)
{
	static _Alignas(16) char stack[256 << 10];
	pid_t child = clone(write_as_clone, stack + sizeof(stack), flags, "by the child\n");

	return child < 0 ? -errno : status_of(child);
}

/* What its function returns is its exit status. */
void try_clone(void)
{
	open_file();
	TELL(cloned(SIGCHLD));
	judge("file");
	TELL(write(fd, "afterwards\n", 11));
	judge("file");
	TELL(cloned(SIGCHLD | CLONE_THREAD));
}

void try_popen(void)
{
	char line[32] = "";
	FILE *pipe = (make_file("file", 0), popen("echo told | tee -a file", "r"));

	say("said: %s", fgets(line, sizeof(line), pipe));
	TELL(pclose(pipe));
	judge("file");
	fd = open("file", O_WRONLY | O_APPEND);
	TELL_POINTER(pipe = popen("cat >>file", "we"));
	TELL(fprintf(pipe, "%d\n", 7));
	TELL(pclose(pipe));
	judge("file");
	TELL(write(fd, "afterwards\n", 11));
	judge("file");
	TELL_POINTER(popen("true", "rw"));
}

/* What a stream holds is not handed over, what was written stays. */
static int leave(void (*end)(int))
{
	FILE *held = fopen("held", "w");

	fputs("held and lost", held);
	TELL(write(fd, "written", 7));
	end(5);
	return DIFFERS;
}

static int leave_by__exit(void)
{
	return leave(_exit);
}

static int leave_by__Exit(void)
{
	return leave(_Exit);
}

void try__exit(void)
{
	open_file();
	TELL(in_child(leave_by__exit));
	judge("file");
}

void try__Exit(void)
{
	open_file();
	TELL(in_child(leave_by__Exit));
	judge("file");
}

/* The child ends inside libc, its own child goes on; the pipe tells when that has ended. */
static int become_daemon(void)
{
	FILE *held = fopen("held", "w");

	fputs("held by both, handed over by one\n", held);
	TELL(write(fd, "before", 6));
	TELL(daemon(1, 1));
	TELL(write(fd, "afterwards", 10));
	judge("file");
	TELL(fclose(held));
	judge("held");
	return 3;
}

void try_daemon(void)
{
	int ends[2];
	char byte;

	open_file();
	if (pipe(ends))
		abort();
	int status = in_child(become_daemon);
	close(ends[1]);
	wt_syscall(SYS_read, ends[0], &byte, 1);
	tell("in_child(become_daemon)", status);
}

/* As many as there are without libwt, though a write may have taken one. */
void try_pthread_key_create(void)
{
	pthread_key_t key, last = 0;
	int keys = 0;

	make_file("file", 8192);
	fd = open("file", O_RDWR);
	TELL(pwrite(fd, text_of(4096), 4096, 4096));
	judge("file");
	for (; !pthread_key_create(&key, NULL); last = key)
		keys++;
	say("%d keys", keys);
	TELL(pthread_key_create(&key, NULL));
	TELL(pthread_setspecific(last, "mine"));
	TELL(pwrite(fd, text_of(4096), 4096, 0));
	judge("file");
	say("%s", (char *)pthread_getspecific(last));
}

/* Each as its own function would do it, and refused as that is. */
static void all_syscall_writes(void)
{
	struct iovec iov[2] = { { "one", 3 }, { "two", 3 } };
	off_t from = 5;

	TELL(syscall(SYS_write, fd, "written", 7L));
	judge("file");
	TELL(syscall(SYS_pwrite64, fd, "at an offset", 12L, 5000L));
	judge("file");
	TELL(syscall(SYS_writev, fd, iov, 2L));
	judge("file");
	TELL(syscall(SYS_pwritev, fd, iov, 2L, 6000L, 0L));
	judge("file");
	TELL(syscall(SYS_pwritev2, fd, iov, 2L, 7000L, 0L, (long)RWF_DSYNC));
	TELL(syscall(SYS_copy_file_range, fd, &from, fd, NULL, 5L, 0L));
	judge("file");
	TELL(syscall(SYS_sendfile, fd, open("file", O_RDONLY), NULL, 9L));
	judge("file");
	TELL(syscall(SYS_write, -1, "written", 7L));
	TELL(syscall(SYS_write, fd, 16L, 7L));
	TELL(syscall(SYS_pwrite64, fd, "written", 7L, -1L));
	TELL(syscall(SYS_pwritev2, fd, iov, 2L, 0L, 0L, 1L << 20));
	TELL(syscall(SYS_sendfile, fd, -1, NULL, 9L));
	TELL(syscall(SYS_ftruncate, fd, 9000L));
	TELL(syscall(SYS_ftruncate, fd, -1L));
	TELL(syscall(SYS_fallocate, fd, 0L, 0L, 10000L));
	TELL(syscall(SYS_fsync, fd));
	tell_dirty("file");
	TELL(syscall(SYS_fdatasync, -1));
	TELL(syscall(SYS_sync_file_range, fd, 0L, 0L, 99L));
}

static void all_syscall_descriptors(void)
{
	struct open_how how = { .flags = O_WRONLY | O_APPEND };

	TELL(syscall(SYS_openat, AT_FDCWD, "absent", O_RDWR, 0L));
	TELL(fd = syscall(SYS_openat, AT_FDCWD, "made", O_RDWR | O_CREAT, 0640L));
	TELL(write(fd, "made", 4));
	judge("made");
	TELL(fd = syscall(SYS_openat2, AT_FDCWD, "made", &how, sizeof(how)));
	TELL(write(fd, "more", 4));
	judge("made");
	TELL(syscall(SYS_openat2, AT_FDCWD, "made", &how, 3L));
	TELL(syscall(SYS_dup, fd));
	TELL(syscall(SYS_dup3, fd, 50L, (long)O_CLOEXEC));
	TELL(write(50, "even more", 9));
	judge("made");
	TELL(syscall(SYS_dup3, fd, fd, 0L));
	TELL(syscall(SYS_fcntl, fd, F_GETFL));
	TELL(syscall(SYS_fcntl, fd, F_DUPFD, 60L));
	TELL(syscall(SYS_close_range, 50L, 60L, 0L));
	TELL(syscall(SYS_close, 50L));
	TELL(syscall(SYS_close, fd));
}

static void all_syscall_names(void)
{
	TELL(syscall(SYS_renameat2, AT_FDCWD, "made", AT_FDCWD, "named", 0L));
	TELL(syscall(SYS_renameat2, AT_FDCWD, "made", AT_FDCWD, "named", 0L));
	TELL(syscall(SYS_linkat, AT_FDCWD, "named", AT_FDCWD, "linked", 0L));
	TELL(syscall(SYS_linkat, AT_FDCWD, "named", AT_FDCWD, "linked", 0L));
	TELL(syscall(SYS_unlinkat, AT_FDCWD, "linked", 0L));
	TELL(syscall(SYS_unlinkat, AT_FDCWD, "linked", 0L));
	TELL(syscall(SYS_truncate, "named", 3L));
	TELL(syscall(SYS_truncate, "absent", 3L));
	TELL(syscall(99999L, 1L, 2L, 3L));
}

/* Executed by a vfork child, which has its parent's memory and never comes back to it. */
static void syscall_in_vfork_child(long number)
{
	char *const args[] = { "true", NULL };
	int before, after;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	pid_t child = vfork();
	if (child == 0) {
		syscall(number, number == SYS_execve ? (long)"/bin/true" : 7L, args, environ);
		_exit(99);
	}
	int status = status_of(child);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &after);
	say("vfork child: status %#x, cancellation %d, %d", status, before, after);
}

void try_syscall(void)
{
	make_file("file", 10000);
	fd = open("file", O_RDWR);
	all_syscall_writes();
	fd = -1;
	all_syscall_descriptors();
	fd = -1;
	all_syscall_names();
	syscall_in_vfork_child(SYS_execve);
	syscall_in_vfork_child(SYS_exit_group);
}
