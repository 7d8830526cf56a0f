/* SPDX-License-Identifier: MIT */
/* Programs that are executed, with environments of every kind. */
#include "processes.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define MANY 10000

static char **many(void)
{
	char **list = calloc(MANY + 1, sizeof(*list));

	for (int i = 0; i < MANY; i++)
		must(asprintf(&list[i], "VARIABLE_%d=%d", i, i) > 0, "no memory");
	return list;
}

/* This one's strings, but for libwt's own: what a shell passes on that has unset them. */
static char **filtered(const char *also)
{
	char **list = calloc(1000, sizeof(*list));
	size_t len = 0;

	for (char **at = environ; *at; at++)
		if (strncmp(*at, "LD_PRELOAD=", 11) && (!also || strncmp(*at, also, strlen(also))))
			list[len++] = *at;
	return list;
}

static char **environment(const char *kind)
{
	static char *own[] = { "PATH=/bin", NULL }, *none[] = { NULL };
	static char *named[] = { "PATH=/bin", "LD_PRELOAD=", NULL };
	static char *disabled[] = { "WT_DISABLE=1", NULL };

	if (!strcmp(kind, "null"))
		return NULL;
	if (!strcmp(kind, "empty"))
		return none;
	if (!strcmp(kind, "named"))
		return named;
	if (!strcmp(kind, "disabled"))
		return disabled;
	if (!strcmp(kind, "many"))
		return many();
	if (!strcmp(kind, "environ"))
		return environ;
	if (!strcmp(kind, "without"))
		return filtered("WT_");
	if (!strcmp(kind, "without_preload"))
		return filtered(NULL);
	if (!strcmp(kind, "unset"))
		unsetenv("LD_PRELOAD");
	if (!strcmp(kind, "cleared"))
		clearenv();
	return own;
}

static int spawn(bool by_name, char **argv, char **envp)
{
	pid_t child;
	int err = by_name ? posix_spawnp(&child, "/proc/self/exe", NULL, NULL, argv, envp)
			  : posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, envp);

	errno = err;
	if (err)
		return -1;
	wait_for(child);
	exit(0);
}

static int by_descriptor(bool at, char **argv, char **envp)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int ret = at ? execveat(self, "", argv, envp, AT_EMPTY_PATH) : fexecve(self, argv, envp);
	int err = errno;

	close(self);
	errno = err;
	return ret;
}

static int execute(const char *how, char **argv, char **envp)
{
	if (!strcmp(how, "execve"))
		return execve("/proc/self/exe", argv, envp);
	if (!strcmp(how, "execvpe"))
		return execvpe("/proc/self/exe", argv, envp);
	if (!strcmp(how, "execle"))
		return execle("/proc/self/exe", argv[0], argv[1], argv[2], NULL, envp);
	if (!strcmp(how, "fexecve"))
		return by_descriptor(false, argv, envp);
	if (!strcmp(how, "execveat"))
		return by_descriptor(true, argv, envp);
	if (!strcmp(how, "posix_spawn"))
		return spawn(false, argv, envp);
	if (!strcmp(how, "posix_spawnp"))
		return spawn(true, argv, envp);
	if (!strcmp(how, "vfork")) {
		pid_t child = vfork();

		if (!child) {
			execve("/proc/self/exe", argv, envp);
			_exit(127);
		}
		wait_for(child);
		exit(0);
	}
	errno = ENOSYS;
	return -1;
}

/* exec HOW KIND [HABIT ARGUMENT]: the new program is this habit, which prints the facts. */
static void exec_with(const char *file, char **args)
{
	char **argv =
		args[2] ? program_of(args[2], file, args[3]) : program_of("plain", file, NULL);

	must(execute(args[0], argv, environment(args[1])) == 0, args[0]);
}

/* At addresses that are not there, the kernel answers; and the program goes on as before. */
static void exec_badly(const char *file, char **args)
{
	size_t page = PROBE_BLOCK;
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **last = (char **)(map + page) - 1, *text = map + page - 3;
	char **argv = program_of("plain", file, NULL);
	char *beyond[] = { "PATH=/bin", text, NULL }, *fine[] = { "PATH=/bin", NULL };
	char **const bad[] = { (char **)8, (char **)(map + page), last, beyond,
			       (char **)(map + 1) };
	int fd = open_file(file);

	must(map != MAP_FAILED && !mprotect(map + page, page, PROT_NONE), "mmap");
	memset(map, 1, page);
	*last = fine[0];	/* no NULL after it */
	memcpy(text, "A=b", 3); /* nor after this */
	write_page(fd, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		must(execute(args[0], argv, bad[i]) == -1 && errno == EFAULT, "EFAULT");
	must(execve("/no/such/program", argv, fine) == -1 && errno == ENOENT, "ENOENT");
	write_page(fd, 1);
	close(fd);
}

/* The child gets the file by a number of its own, made by libc. */
static void spawn_with_actions(const char *file, char **args)
{
	posix_spawn_file_actions_t actions;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *const *argv = program_of("write_to_0", file, NULL);
	pid_t child;

	judge_pages_of(file, 0);
	write_page(fd, 0);
	posix_spawn_file_actions_init(&actions);
	if (!strcmp(args[0], "dup2"))
		posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	else
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, file, O_RDWR, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	errno = posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv, environ);
	must(!errno, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	wait_for(child);
	write_page(fd, 2);
	close(fd);
}

/* Whether the loader put the library here, in spite of all privileges. */
static void says_if_preloaded(const char *file, char **args)
{
	char line[4096];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	must(maps, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps))
		found = found || strstr(line, args[0]);
	fclose(maps);
	int fd = open_file(file);
	write_page(fd, 0);
	close(fd);
	printf("preloaded=%d ", found);
}

const struct habit exec_habits[] = {
	{ "says_if_preloaded", says_if_preloaded },
	{ "exec", exec_with },
	{ "exec_badly", exec_badly },
	{ "spawn_with_actions", spawn_with_actions },
	{ NULL, NULL },
};
