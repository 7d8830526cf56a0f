/* SPDX-License-Identifier: MIT */
/* One case: the writer is started, its calls and its writes are answered, its end is judged. */
#include "syscall_faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../disk/control.h"
#include "../lib/pass.h"

#define HANGS_AFTER_MS 20000

/* A case as it goes on. */
struct going {
	struct run *run;
	int sockets[THREADS_MAX];
	int descriptors; /* that the writer had when it began */
	struct record records[RECORDS_MAX];
	int records_len;
	int writes;		     /* that returned */
	unsigned long struck_before; /* the last write that was judged */
	int said;		     /* what the writer wrote to its stderr */
	bool loaded;		     /* what it preloads was there before it began */
	bool began;
	bool ended;
};

__attribute__((format(printf, 3, 4))) static void verdict(struct run *run, const char *outcome,
							  const char *format, ...)
{
	va_list arguments;

	/* The first word counts. */
	if (strcmp(run->facts.outcome, "kept"))
		return;
	run->facts.outcome = outcome;
	va_start(arguments, format);
	vsnprintf(run->facts.why, sizeof(run->facts.why), format, arguments);
	va_end(arguments);
}

/* In the child. */
static void become_writer(struct run *run, int said, int socket, int sockets[])
{
	char method[32], threads[16], count[16], id[32];
	char *argv[] = {
		"syscall-faults", "writer", run->file.path, method, threads, count, id, NULL
	};
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(method, sizeof(method), "%s", run->file.method->name);
	snprintf(threads, sizeof(threads), "%d", run->threads);
	snprintf(count, sizeof(count), "%d", run->count);
	snprintf(id, sizeof(id), "%lu", run->file.id);
	for (int i = 0; i < run->threads; i++)
		dup2(sockets[i], FIRST_SOCKET + i);
	dup2(null, 0);
	dup2(null, 1);
	dup2(said, 2);
	dup2(socket, 3);
	close_range(4, FIRST_SOCKET - 1, 0);
	close_range(FIRST_SOCKET + run->threads, ~0U, 0);
	int listener = filter_install(&run->injector);
	if (listener < 0)
		_exit(6);
	if (!pass_send(3, listener))
		_exit(6);
	close_range(3, FIRST_SOCKET - 1, 0);
	execve("/proc/self/exe", argv, (char **)run->env);
	_exit(127);
}

static void start(struct going *going)
{
	struct run *run = going->run;
	int theirs[THREADS_MAX], pair[2];

	for (int i = 0; i < run->threads; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
			exit(1);
		going->sockets[i] = pair[0];
		theirs[i] = pair[1];
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		exit(1);
	going->said = memfd_create("said", MFD_CLOEXEC);
	run->injector.armed = run->from_exec;
	run->injector.pid = fork();
	if (run->injector.pid == 0)
		become_writer(run, going->said, pair[1], theirs);
	close(pair[1]);
	for (int i = 0; i < run->threads; i++)
		close(theirs[i]);
	run->injector.listener = pass_receive(pair[0], MSG_CMSG_CLOEXEC);
	close(pair[0]);
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* The signals that a thread holds off; none for a kernel thread that serves an io_uring. */
static void read_mask(const char *path, char *mask)
{
	FILE *status = fopen(path, "re");
	char line[128];
	bool worker = false;

	mask[0] = 0;
	while (status && fgets(line, sizeof(line), status)) {
		worker |= !strncmp(line, "Name:\tiou-", 10);
		if (!worker)
			sscanf(line, "SigBlk: %31s", mask);
	}
	if (status)
		fclose(status);
}

/* Of all threads, those who hold any off. */
static void read_masks(pid_t pid, char *text, size_t room)
{
	char path[300], mask[32];
	size_t filled = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	for (struct dirent *task; dir && (task = readdir(dir)) && filled < room / 2;) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, task->d_name);
		read_mask(path, mask);
		if (strspn(mask, "0") != strlen(mask))
			filled += snprintf(text + filled, room - filled, "%s ", mask);
	}
	if (dir)
		closedir(dir);
	text[filled] = 0;
}

/* Whether what LD_PRELOAD asks for has been mapped: what crashes before that is the loader. */
static bool has_preloads(const struct run *run)
{
	const char *library = NULL;
	char path[64], line[1024];
	bool found = false;

	for (size_t i = 0; i < run->env_len; i++)
		if (!strncmp(run->env[i], "LD_PRELOAD=", 11))
			library = run->env[i] + 11;
	snprintf(path, sizeof(path), "/proc/%d/maps", run->injector.pid);
	FILE *maps = fopen(path, "re");
	while (maps && library && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, library);
	if (maps)
		fclose(maps);
	return found;
}

/* The first line of it. */
static void read_said(struct going *going)
{
	char *said = going->run->facts.said;
	ssize_t len = pread(going->said, said, sizeof(going->run->facts.said) - 1, 0);

	said[len < 0 ? 0 : len] = 0;
	said[strcspn(said, "\n")] = 0;
}

static void began(struct going *going)
{
	struct run *run = going->run;

	going->began = true;
	read_said(going);
	if (strstr(run->facts.said, "cannot be preloaded"))
		verdict(run, "absent", "the loader went on without it");
	going->descriptors = count_descriptors(run->injector.pid);
	run->injector.armed = true;
}

static void command(const char *text)
{
	struct disk disk;

	if (disk_connect(&disk, getenv("DISK_CTL")) || !disk_command(&disk, "%s", text)) {
		fprintf(stderr, "syscall-faults: %s: the disk says no\n", text);
		exit(1);
	}
	disk_disconnect(&disk);
}

/* The power goes: nothing that was not flushed survives. */
static void cut(struct going *going)
{
	going->run->facts.cut = true;
	command("cut keep=0 tear=0");
	kill(going->run->injector.pid, SIGKILL);
}

static void wrote(struct going *going, const struct message *message)
{
	struct run *run = going->run;
	struct facts *facts = &run->facts;
	char why[256];
	bool last = ++going->writes == run->threads * run->count;
	bool struck = run->injector.struck > going->struck_before;

	if (message->ret <= 0) {
		facts->failed++;
		if (!facts->first_errno)
			facts->first_errno = message->err;
	} else if (going->records_len < RECORDS_MAX) {
		bool known = run->file.method->place == AT_REGION;
		struct record *record = &going->records[going->records_len++];

		*record = (struct record){
			.thread = message->thread,
			.seq = message->seq,
			.len = message->ret,
			.offset = known ? (int64_t)place_of(run->file.method, message->thread,
							    message->seq)
					: -1,
		};
		facts->succeeded++;
		if (!judge_live(&run->file, record, why, sizeof(why)))
			verdict(run, "lie", "write %d of thread %d, %ld bytes at %ld: %s",
				message->seq, message->thread, message->ret, record->offset, why);
		if (struck)
			going->struck_before = run->injector.struck;
	}
	if (run->cut && !run->cut_end && (last || ((struck || run->cut_first) && message->ret > 0)))
		cut(going);
}

static void ended(struct going *going)
{
	struct run *run = going->run;
	int descriptors = count_descriptors(run->injector.pid);
	char masks[256];

	going->ended = true;
	read_masks(run->injector.pid, masks, sizeof(masks));
	if (descriptors != going->descriptors)
		verdict(run, "leak", "%d descriptors became %d", going->descriptors, descriptors);
	if (masks[0])
		verdict(run, "mask", "signals are held off: %s", masks);
	if (!run->from_exec)
		run->injector.armed = false;
}

static void answer_message(struct going *going, int thread)
{
	struct message message;

	if (recv(going->sockets[thread], &message, sizeof(message), 0) != sizeof(message)) {
		close(going->sockets[thread]);
		going->sockets[thread] = -1;
		return;
	}
	switch (message.kind) {
	case BEGIN:
		began(going);
		break;
	case WROTE:
		wrote(going, &message);
		break;
	case SYNCED:
		going->run->facts.fsync_failed = message.err;
		break;
	case CLOSED:
		going->run->facts.close_failed = message.err;
		break;
	case END:
		ended(going);
		break;
	}
	if (!going->run->facts.cut)
		send(going->sockets[thread], "x", 1, MSG_NOSIGNAL);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Until nobody is left to ask, or the power is off, or nothing happens any more. */
static void listen_to(struct going *going)
{
	struct run *run = going->run;
	int64_t end_ms = now_ms() + HANGS_AFTER_MS;
	struct pollfd fds[THREADS_MAX + 1];

	while (!run->facts.cut && run->injector.listener >= 0) {
		for (int i = 0; i < run->threads; i++)
			fds[i] = (struct pollfd){ .fd = going->sockets[i], .events = POLLIN };
		fds[run->threads] =
			(struct pollfd){ .fd = run->injector.listener, .events = POLLIN };
		if (now_ms() > end_ms || poll(fds, run->threads + 1, HANGS_AFTER_MS) == 0) {
			verdict(run, "hang", "after %d writes", going->writes);
			return;
		}
		if (run->from_exec && !going->began && !going->loaded)
			going->loaded = has_preloads(run);
		if (fds[run->threads].revents & POLLIN && !inject_answer(&run->injector))
			return;
		if (!(fds[run->threads].revents & POLLIN) && fds[run->threads].revents)
			return; /* the last of its threads has ended */
		for (int i = 0; i < run->threads && !run->facts.cut; i++)
			if (fds[i].revents)
				answer_message(going, i);
	}
}

static void judge_exit(struct going *going, int status)
{
	struct run *run = going->run;

	if (run->facts.cut)
		return;
	if (!going->began && !(going->loaded && WIFSIGNALED(status)))
		verdict(run, "start", "status %d", status);
	else if (WIFSIGNALED(status))
		verdict(run, "crash", "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else if (status || !going->ended)
		verdict(run, "crash", "exit status %d, %sat its end", WEXITSTATUS(status),
			going->ended ? "" : "not ");
}

static void remount(void)
{
	char mount[512];
	int status;
	pid_t child;

	snprintf(mount, sizeof(mount), "%s/tests/disk/mount", getenv("WT_TOP"));
	child = fork();
	if (child == 0) {
		execl(mount, mount, "again", NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status) {
		fprintf(stderr, "syscall-faults: the disk cannot be mounted again\n");
		exit(1);
	}
}

static void judge_all_stored(struct going *going)
{
	struct run *run = going->run;
	char why[256];

	for (int i = 0; i < going->records_len; i++) {
		struct record *record = &going->records[i];

		if (!judge_stored(&run->file, record, why, sizeof(why)))
			verdict(run, "lie", "%s, write %d of thread %d, %zu bytes at %ld: %s",
				run->facts.cut ? "after the cut" : "at the end", record->seq,
				record->thread, record->len, record->offset, why);
	}
}

void run_case(struct run *run)
{
	struct going going = { .run = run };
	int status;

	run->facts.outcome = "kept";
	judge_prepare(&run->file, run->threads, run->count);
	start(&going);
	listen_to(&going);
	/* A writer that hangs is killed; all others have ended or are about to. */
	if (!strcmp(run->facts.outcome, "hang"))
		kill(run->injector.pid, SIGKILL);
	close(run->injector.listener);
	waitpid(run->injector.pid, &status, 0);
	for (int i = 0; i < run->threads; i++)
		if (going.sockets[i] >= 0)
			close(going.sockets[i]);
	read_said(&going);
	close(going.said);
	if (strcmp(run->facts.outcome, "hang"))
		judge_exit(&going, status);
	if (run->cut_end && going.ended) {
		run->facts.cut = true;
		command("cut keep=0 tear=0");
	}
	if (run->facts.cut)
		remount();
	judge_all_stored(&going);
	judge_clear(&run->file, run->threads, run->count);
}
