/* SPDX-License-Identifier: MIT */
/*
 * The judge: judge [-v] [-g] [-t TIMES] through|dsync FIRST STEP COUNT COMMAND...
 *
 * Runs the schedules FIRST, FIRST + STEP, ..., COUNT of them, each TIMES times, with COMMAND as the
 * writing program, in the file system that tests/disk/with-disk gave; with -g the disk does not
 * fail as the schedule says, but vanishes, and comes back when the program has ended. A line "step"
 * for each run, "# ..." for all that is wrong, at the end a line of counts. Exit status 0; 3 if it
 * could not go on.
 */
#include "disk_errors.h"
#include "../disk/control.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LIMIT_SECONDS 300 /* for a run of some hundredths of a second */

struct child {
	pid_t pid;
	int say_fd;
	int hear_fd;
	int64_t until_ns;
	bool wrote; /* all of its writes have returned */
};

static struct board *make_board(int *fd)
{
	struct board *board;

	*fd = memfd_create("board", 0);
	if (*fd < 0 || ftruncate(*fd, sizeof(*board)))
		die("the board");
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (board == MAP_FAILED)
		die("the board");
	return board;
}

static void exec_writing_program(const struct trial *trial, char **command, int board, int in,
				 int out)
{
	char numbers[4][24];
	char *argv[64];
	int argc = 0;

	while (command[argc] && argc < 56) {
		argv[argc] = command[argc];
		argc++;
	}
	snprintf(numbers[0], sizeof(numbers[0]), "%lu", trial->plan->seed);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", board);
	snprintf(numbers[2], sizeof(numbers[2]), "%d", in);
	snprintf(numbers[3], sizeof(numbers[3]), "%d", out);
	for (int i = 0; i < 4; i++)
		argv[argc++] = numbers[i];
	argv[argc++] = (char *)trial->path;
	argv[argc] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	execvp(argv[0], argv);
	die(argv[0]);
}

static struct child start(struct trial *trial, char **command)
{
	int board, in[2], out[2];
	struct child child = { .until_ns = now_ns() + LIMIT_SECONDS * 1000000000LL };

	trial->board = make_board(&board);
	if (pipe(in) || pipe(out))
		die("pipe");
	fflush(stdout);
	child.pid = fork();
	if (child.pid < 0)
		die("fork");
	if (child.pid == 0) {
		close(in[1]);
		close(out[0]);
		exec_writing_program(trial, command, board, in[0], out[1]);
	}
	setpgid(child.pid, child.pid);
	close(board);
	close(in[0]);
	close(out[1]);
	child.say_fd = in[1];
	child.hear_fd = out[0];
	fcntl(child.say_fd, F_SETFD, FD_CLOEXEC);
	fcntl(child.hear_fd, F_SETFD, FD_CLOEXEC);
	return child;
}

static bool readable(int fd, int64_t until_ns)
{
	struct pollfd ask = { .fd = fd, .events = POLLIN };
	int64_t left = (until_ns - now_ns()) / 1000000;

	return left > 0 && poll(&ask, 1, left) == 1;
}

/* Fails and heals the disk as writes return, until all have. False: they did not, in their time. */
static bool attend(struct trial *trial, struct child *child)
{
	const struct faults *faults = &trial->plan->faults;
	int returned = 0;
	char what;

	for (;;) {
		if (!readable(child->hear_fd, child->until_ns) ||
		    read(child->hear_fd, &what, 1) != 1)
			return false;
		if (what == SAY_DONE)
			return child->wrote = true;
		returned++;
		if (trial->vanishes)
			continue;
		if (returned == faults->begin_after)
			disk_start_faults(trial);
		if (returned == faults->heal_after)
			disk_stop_faults(trial);
	}
}

static void print_file(const char *format, const char *pid, const char *task)
{
	char path[600], line[256];
	FILE *file;

	snprintf(path, sizeof(path), format, pid, task);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		printf("#   %s", line);
	if (file)
		fclose(file);
}

/* What the processes of the group wait for. */
static void print_stacks(pid_t group)
{
	DIR *processes = opendir("/proc");
	struct dirent *process, *task;

	while (processes && (process = readdir(processes))) {
		char path[600];
		DIR *tasks;

		if (atoi(process->d_name) <= 0 || getpgid(atoi(process->d_name)) != group)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", process->d_name);
		tasks = opendir(path);
		while (tasks && (task = readdir(tasks))) {
			if (atoi(task->d_name) <= 0)
				continue;
			printf("# %s %s:\n", process->d_name, task->d_name);
			print_file("/proc/%s/task/%s/stack", process->d_name, task->d_name);
		}
		if (tasks)
			closedir(tasks);
	}
	if (processes)
		closedir(processes);
}

/* It has to end by itself; a process that even a signal cannot end ends the judge. */
static bool finish(struct trial *trial, struct child *child, char say)
{
	bool ended = false;
	int status = 0;
	char what;

	child->until_ns = now_ns() + LIMIT_SECONDS * 1000000000LL;
	if (say && write(child->say_fd, &say, 1) != 1)
		die("the writing program");
	/* All copies of the pipe are closed when all processes have ended. */
	while (say && readable(child->hear_fd, child->until_ns))
		if (read(child->hear_fd, &what, 1) <= 0) {
			ended = true;
			break;
		}
	if (!ended) {
		printf("# hung: seed %lu\n", trial->plan->seed);
		print_stacks(child->pid);
		fflush(stdout);
		kill(-child->pid, SIGKILL);
	}
	close(child->say_fd);
	close(child->hear_fd);
	for (int i = 0; i < 1000; i++) {
		if (waitpid(child->pid, &status, WNOHANG) == child->pid) {
			if (ended && status)
				printf("# seed %lu: the writing program ended with %d\n",
				       trial->plan->seed, status);
			return ended;
		}
		usleep(10000);
	}
	fprintf(stderr, "disk-errors: seed %lu: cannot even be killed\n", trial->plan->seed);
	exit(3);
}

/* What the last run ended with may be found out only now. */
static void prepare(struct trial *trial, struct verdict *verdict)
{
	int error = disk_prepare_file(trial);

	if (error && on_btrfs() && !disk_renew(trial)) {
		printf("# broken: before seed %lu: %s\n", trial->plan->seed, strerror(-error));
		verdict->broken++;
		error = disk_prepare_file(trial);
	}
	if (!error)
		return;
	fprintf(stderr, "disk-errors: seed %lu: the file: %s\n", trial->plan->seed,
		strerror(-error));
	exit(3);
}

/* The disk is away, and those who have the file open still end in their time. */
static void look_after_vanishing(struct trial *trial, struct child *child, struct verdict *verdict)
{
	int error;

	disk_order(trial, "vanish");
	disk_order(trial, "record");
	if (!finish(trial, child, SAY_SYNC)) {
		verdict->hung++;
		return;
	}
	error = disk_come_back(trial);
	if (error) {
		fprintf(stderr, "disk-errors: seed %lu: back again: %s\n", trial->plan->seed,
			strerror(-error));
		exit(3);
	}
	judge_writes(trial, verdict);
	judge_fsyncs(trial, verdict);
}

static void look(struct trial *trial, struct child *child, struct verdict *verdict)
{
	int error;

	if (trial->cut) {
		disk_order(trial, "cut keep=0 tear=0");
		disk_order(trial, "record");
		if (!finish(trial, child, SAY_QUIT)) {
			verdict->hung++;
			return;
		}
		error = disk_cut_and_look(trial);
	} else {
		error = disk_take_evidence(trial, trial->stable);
		disk_order(trial, "record");
	}
	if (error && (trial->plan->faults.flushes || (error == -EUCLEAN && on_btrfs()))) {
		printf("# broken: seed %lu: %s (%s)\n", trial->plan->seed, strerror(-error),
		       plan_name(trial->plan));
		trial->broken = true;
		verdict->broken++;
		if (!trial->cut)
			finish(trial, child, SAY_QUIT);
		return;
	}
	if (error) {
		fprintf(stderr, "disk-errors: seed %lu: what the disk has: %s\n", trial->plan->seed,
			strerror(-error));
		exit(3);
	}
	judge_writes(trial, verdict);
	if (trial->cut)
		return;
	/* The cache shows what the disk has, stable or not. */
	error = trial->stable ? disk_take_evidence(trial, false) : 0;
	disk_stop_faults(trial);
	if (!error)
		judge_cache(trial, verdict);
	if (!finish(trial, child, SAY_SYNC))
		verdict->hung++;
	else
		judge_fsyncs(trial, verdict);
}

/*
 * A disk that is to vanish soon may do so at a request of the file system's own, before the
 * program has opened its file: then it ends at once, and nothing was tried.
 */
static bool ended_before_it_wrote(const struct child *child)
{
	for (int i = 0; i < 100 && !child->wrote; i++) {
		siginfo_t info = { 0 };

		if (!waitid(P_PID, child->pid, &info, WEXITED | WNOWAIT | WNOHANG) && info.si_pid)
			return info.si_code == CLD_EXITED;
		usleep(10000);
	}
	return false;
}

/* A schedule that was not tried is tried again a few times: the program may end by itself. */
static bool is_to_be_tried_again(struct trial *trial, const struct child *child)
{
	if (!trial->vanishes || trial->tries >= 3 || !ended_before_it_wrote(child))
		return false;
	trial->tries++;
	close(child->say_fd);
	close(child->hear_fd);
	waitpid(child->pid, NULL, 0);
	return true;
}

static void run(struct trial *trial, char **command, struct verdict *verdict)
{
	const struct faults *faults = &trial->plan->faults;
	struct child child;
	bool again = false;

	trial->cut = trial->stable && trial->plan->cut && !trial->vanishes;
	trial->learnt = false;
	trial->broken = false;
	verdict->runs++;
	prepare(trial, verdict);
	disk_order(trial, "record file=%s", trial->tape_path);
	disk_order(trial, "delay op=write us=%d", faults->write_us);
	disk_order(trial, "delay op=flush us=%d", faults->flush_us);
	if (trial->vanishes)
		disk_vanish_soon(trial);
	else if (!faults->begin_after)
		disk_start_faults(trial);
	child = start(trial, command);
	if (attend(trial, &child) && trial->vanishes) {
		look_after_vanishing(trial, &child, verdict);
	} else if (child.wrote) {
		look(trial, &child, verdict);
	} else if (is_to_be_tried_again(trial, &child)) {
		again = true;
	} else {
		verdict->hung++;
		finish(trial, &child, 0);
		disk_order(trial, "heal");
	}
	free(trial->found);
	trial->found = NULL;
	if (trial->fd >= 0)
		close(trial->fd);
	munmap(trial->board, sizeof(*trial->board));
	/* It may have been ended by a failed flush, or be marked as one to be repaired. */
	if ((faults->flushes || trial->broken || again) && disk_renew(trial))
		exit(3);
	if (!again) {
		trial->tries = 0;
		return;
	}
	verdict->runs--;
	run(trial, command, verdict);
}

static void print_verdict(const struct verdict *verdict)
{
#define COUNT_PRINT(name) printf(" " #name "=%d", verdict->name);
	printf("counts");
	COUNTS(COUNT_PRINT)
	printf("\n");
}

int judge(int argc, char **argv)
{
	struct verdict verdict = { 0 };
	struct trial trial = { 0 };
	struct disk disk;
	char path[300];
	uint64_t first, step, count, times = 1;

	for (; argc > 1 && argv[0][0] == '-'; argc--, argv++) {
		if (argv[0][1] == 'v')
			trial.verbose = true;
		else if (argv[0][1] == 'g')
			trial.vanishes = true;
		else if (argv[0][1] == 't' && argc-- > 1)
			times = strtoull(*++argv, NULL, 10);
	}
	if (argc < 5 || disk_connect(&disk, getenv("DISK_CTL")))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	trial.stable = strcmp(argv[0], "through") != 0;
	first = strtoull(argv[1], NULL, 10);
	step = strtoull(argv[2], NULL, 10);
	count = strtoull(argv[3], NULL, 10);
	snprintf(path, sizeof(path), "%s/written", getenv("DISK_MNT"));
	snprintf(trial.tape_path, sizeof(trial.tape_path), "%s.tape", getenv("DISK_CTL"));
	trial.disk = &disk;
	trial.path = path;
	if (disk_renew(&trial))
		return 3;
	for (uint64_t i = 0; i < count * times; i++) {
		struct plan plan;

		plan_make(&plan, first + i / times * step);
		trial.plan = &plan;
		if (trial.verbose)
			plan_print(&plan);
		run(&trial, argv + 4, &verdict);
		printf("step\n");
	}
	print_verdict(&verdict);
	return 0;
}
