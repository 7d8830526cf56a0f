/* SPDX-License-Identifier: MIT */
/*
 * Threads or processes at work at once. What they do is chosen so that its outcome does not
 * depend on who comes first: each writes pieces of its own; or they append, or share an offset or
 * a stream, and then every record must be there, once and whole, wherever it landed.
 */
#include "differential.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define MEMBERS 4
#define ROUNDS 24
#define TICKS 16
#define RECORD_BYTES (640 << 10)
#define DESCRIPTORS 100

struct record {
	uint64_t sum; /* of all that follows */
	uint32_t len;
	uint16_t member;
	uint16_t number;
	char body[];
};

struct member {
	int id;
	int fd;
	struct rng rng;
	int bad_round; /* 0: every call did what it should */
	long bad_result;
	int bad_errno;
};

struct crew {
	pthread_barrier_t start;
	struct member members[MEMBERS];
};

struct plan {
	const char *name;
	void (*work)(struct member *me);
	bool records;
	bool processes;
	bool alone;   /* each opens the file for itself */
	bool ticking; /* a signal handler writes as well */
	bool flushes_all;
	int flags;
	int members;
	int rounds;
	size_t piece_bytes;
};

static struct plan plan;
static struct crew *crew;
static int crew_fd;
static FILE *crew_stream;
static int ticks_fd; /* where the handler writes: between two halves of a stream's record would be
			wrong */
static char buffers[MEMBERS][RECORD_BYTES];
static struct member ticker = { .id = MEMBERS };
static atomic_int ticks_begun;
static atomic_int ticks_done;

static void expect(struct member *me, int round, long result, long expected)
{
	if (result == expected || me->bad_round)
		return;
	me->bad_errno = errno;
	me->bad_result = result;
	me->bad_round = round;
}

/* One piece at an offset, by whatever call. */
static long put_piece(struct member *me, char *from, size_t len, off_t offset)
{
	struct iovec halves[2] = { { from, len / 2 }, { from + len / 2, len - len / 2 } };

	switch (below(&me->rng, 5)) {
	case 0:
		return pwritev(me->fd, halves, 2, offset);
	case 1:
		return pwritev2(me->fd, halves, 2, offset, RWF_DSYNC);
	case 2:
		return pwritev64v2(me->fd, halves, 2, offset, 0);
	case 3:
		return pwrite64(me->fd, from, len, offset);
	default:
		return pwrite(me->fd, from, len, offset);
	}
}

/* Neighbours share pages: whoever writes back more than it was given destroys their bytes. */
static void work_pieces(struct member *me)
{
	for (int round = 1; round <= plan.rounds; round++) {
		size_t len = plan.piece_bytes;
		off_t piece = below(&me->rng, 6) * plan.members + me->id;
		char *from = pool + below(&me->rng, POOL_BYTES - len);

		expect(me, round, put_piece(me, from, len, piece * len), len);
		if (one_in(&me->rng, 8))
			expect(me, round, fdatasync(me->fd), 0);
	}
}

static size_t make_record(struct record *record, int member, int number)
{
	struct rng rng = rng_of(my.seed + my.op, member * ROUNDS + number);
	size_t len = plan.piece_bytes;

	if (plan.flags & O_APPEND)
		len -= below(&rng, len - sizeof(*record) + 1);
	record->len = len;
	record->member = member;
	record->number = number;
	len -= sizeof(*record);
	memcpy(record->body, pool + below(&rng, POOL_BYTES - len), len);
	record->sum = digest(0, &record->len, record->len - sizeof(record->sum));
	return record->len;
}

/* All of these go to the end of the file, or to the shared offset. */
static long put_record(struct member *me, char *from, size_t len)
{
	struct iovec halves[2] = { { from, len / 3 }, { from + len / 3, len - len / 3 } };
	bool append = plan.flags & O_APPEND;

	switch (below(&me->rng, append ? 7 : 4)) {
	case 0:
		return writev(me->fd, halves, 2);
	case 1:
		return pwritev2(me->fd, halves, 2, -1, 0);
	case 2:
		return pwritev2(me->fd, halves, 2, -1, RWF_DSYNC);
	case 3:
		return write(me->fd, from, len);
	case 4:
		return pwrite(me->fd, from, len, 0);
	case 5:
		return pwritev(me->fd, halves, 2, 0);
	default:
		return pwritev2(me->fd, halves, 2, 0, RWF_APPEND);
	}
}

static void work_records(struct member *me)
{
	for (int round = 1; round <= plan.rounds; round++) {
		char *record = buffers[me->id];
		size_t len = make_record((struct record *)record, me->id, round);

		expect(me, round, put_record(me, record, len), len);
	}
}

/* A record is whole when the stream is locked from its first byte to its last. */
static long put_into_stream(struct rng *rng, const char *from, size_t len)
{
	long result = len;

	switch (below(rng, 4)) {
	case 0:
		return fwrite(from, 1, len, crew_stream);
	case 1:
		return fwrite(from, len, 1, crew_stream) * len;
	case 2:
		flockfile(crew_stream);
		result = fwrite_unlocked(from, 1, len, crew_stream);
		funlockfile(crew_stream);
		return result;
	default:
		flockfile(crew_stream);
		for (size_t i = 0; i < len; i++)
			if (putc_unlocked(from[i], crew_stream) == EOF)
				result = -1;
		funlockfile(crew_stream);
		return result;
	}
}

static void work_stream(struct member *me)
{
	for (int round = 1; round <= plan.rounds; round++) {
		char *record = buffers[me->id];
		size_t len = make_record((struct record *)record, me->id, round);

		expect(me, round, put_into_stream(&me->rng, record, len), len);
		if (one_in(&me->rng, 6))
			expect(me, round, fflush(plan.flushes_all ? NULL : crew_stream), 0);
	}
}

/* Descriptors come and go under the same numbers, seen and unseen, while others do the same. */
static void work_churn(struct member *me)
{
	char name[] = { 'c', '0' + me->id, '\0' };
	int number = DESCRIPTORS - 1 - me->id;
	struct rng *rng = &me->rng;

	for (int round = 1; round <= plan.rounds; round++) {
		size_t len = plan.piece_bytes;
		char *from = pool + below(rng, POOL_BYTES - len);
		bool unseen = one_in(rng, 2);
		int flags = O_CREAT | O_RDWR | O_APPEND;
		int fd = unseen ? raw_open(name, flags) : open(name, flags, 0644);

		expect(me, round, write(fd, from, len), len);
		expect(me, round, one_in(rng, 2) ? dup2(fd, number) : dup3(fd, number, O_CLOEXEC),
		       number);
		expect(me, round, one_in(rng, 2) ? wt_syscall(SYS_close, fd) : close(fd), 0);
		expect(me, round, write(number, from, len), len);
		expect(me, round, fcntl(number, F_SETFL, 0), 0);
		expect(me, round, pwrite(number, from, len, round), len);
	}
	close(number);
}

static void tick(int signal)
{
	char record[sizeof(struct record) + 512];
	int saved_errno = errno;
	int number = ++ticks_begun;
	size_t len;

	(void)signal;
	if (number <= TICKS) {
		len = 1 + mix(number) % 512;
		memcpy(((struct record *)record)->body, pool + number, len);
		len += sizeof(struct record);
		*(struct record *)record = (struct record){ 0, len, ticker.id, number };
		((struct record *)record)->sum = digest(0, record + 8, len - 8);
		expect(&ticker, number, write(ticks_fd, record, len), len);
		ticks_done++;
	}
	errno = saved_errno;
}

static void start_ticking(void)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 300 }, { 0, 300 } };

	ticker.bad_round = 0;
	ticks_begun = ticks_done = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void stop_ticking(void)
{
	struct itimerval never = { 0 };

	while (ticks_done < TICKS)
		usleep(100);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void *work(void *arg)
{
	struct member *me = arg;

	if (plan.alone)
		me->fd = open("crew", plan.flags);
	pthread_barrier_wait(&crew->start);
	plan.work(me);
	if (plan.alone)
		expect(me, plan.rounds + 1, close(me->fd), 0);
	return NULL;
}

static void run_threads(void)
{
	pthread_t threads[MEMBERS];

	if (plan.ticking)
		start_ticking();
	for (int i = 0; i < plan.members; i++)
		if (pthread_create(&threads[i], NULL, work, &crew->members[i]))
			abort();
	for (int i = 0; i < plan.members; i++)
		pthread_join(threads[i], NULL);
	if (plan.ticking)
		stop_ticking();
}

static void run_processes(void)
{
	int status;

	for (int i = 0; i < plan.members; i++) {
		pid_t child = fork();

		if (child < 0)
			abort();
		if (child == 0) {
			work(&crew->members[i]);
			_exit(0);
		}
	}
	for (int i = 0; i < plan.members; i++)
		if (wait(&status) > 0 && status)
			trace(status, "a process of the crew ended badly");
}

static void trace_member(const struct member *member)
{
	if (member->bad_round)
		trace(member->bad_result, "member %d, round %d, %s", member->id, member->bad_round,
		      errno_name(member->bad_errno));
}

/* Every record once and whole; one writer's in the order in which it wrote them. */
static void trace_records(const char *bytes, size_t size)
{
	int last[MEMBERS + 1] = { 0 };
	uint64_t multiset = 0;
	int count = 0;
	size_t at = 0;

	while (size - at >= sizeof(struct record)) {
		struct record record;

		memcpy(&record, bytes + at, sizeof(record));
		if (record.len < sizeof(record) || record.len > size - at ||
		    record.sum != digest(0, bytes + at + 8, record.len - 8))
			break;
		if (record.member < MEMBERS && record.number <= last[record.member])
			trace(record.number, "record out of order, member %d", record.member);
		last[record.member % (MEMBERS + 1)] = record.number;
		multiset += mix(record.sum);
		at += record.len;
		count++;
	}
	trace(count, "whole records, %zu bytes of no record, digest %016llx", size - at,
	      (unsigned long long)multiset);
}

static void trace_file_of_records(const char *name)
{
	int fd = raw_open(name, O_RDONLY);
	long long size = raw_size(fd);
	char *bytes = mmap(NULL, size ? size : 1, PROT_READ, MAP_SHARED, fd, 0);

	trace_records(bytes, size);
	munmap(bytes, size ? size : 1);
	look_for_dirt(fd);
	wt_syscall(SYS_close, fd);
	unlink(name);
}

static void trace_crew(void)
{
	for (int i = 0; i < plan.members; i++)
		trace_member(&crew->members[i]);
	if (plan.ticking)
		trace_member(&ticker);
	if (plan.records)
		trace_file_of_records("crew");
	if (ticks_fd != crew_fd) {
		close(ticks_fd);
		trace_file_of_records("ticks");
	}
	trace_files();
}

static struct plan make_plan(struct rng *rng)
{
	static const struct plan kinds[] = {
		{ .name = "pieces", .work = work_pieces },
		{ .name = "appends", .work = work_records, .records = true, .flags = O_APPEND },
		{ .name = "a shared offset", .work = work_records, .records = true },
		{ .name = "churn", .work = work_churn },
		{ .name = "a stream", .work = work_stream, .records = true },
	};
	struct plan p = kinds[below(rng, my.mix == ALL ? COUNT(kinds) : COUNT(kinds) - 1)];

	p.flags |= O_RDWR | (one_in(rng, 8) ? O_DSYNC : 0);
	p.members = 2 + below(rng, MEMBERS - 1);
	p.rounds = 4 + below(rng, ROUNDS - 3);
	p.piece_bytes = sizeof(struct record) + below(rng, one_in(rng, 2) ? 9000 : 500);
	if (one_in(rng, 4))
		p.piece_bytes = 4096 * (1 + below(rng, 4));
	if (one_in(rng, 8)) {
		p.piece_bytes = RECORD_BYTES - below(rng, 400 << 10);
		p.rounds = 4;
	}
	p.processes = p.work != work_churn && one_in(rng, 3) && p.work != work_stream;
	p.alone = (p.work == work_pieces || (p.flags & O_APPEND)) && one_in(rng, 3);
	p.ticking =
		((p.flags & O_APPEND) || p.work == work_stream) && !p.processes && one_in(rng, 2);
	return p;
}

/* What another stream holds could land in the crew's file, where its number is out of date. */
static void open_crew_stream(struct rng *rng)
{
	static const size_t sizes[] = { 1, 64, 1000, 4096, 65536 };
	static const int kinds[] = { _IOFBF, _IOFBF, _IOLBF, _IONBF };
	static char room[65536];
	bool small = one_in(rng, 2);
	size_t len = small ? sizes[below(rng, COUNT(sizes))] : sizeof(room);

	if (small) {
		plan.piece_bytes = sizeof(struct record) + below(rng, 200);
		plan.rounds = 4;
	}
	plan.flushes_all = streams_hold_nothing();
	crew_stream = fdopen(dup(crew_fd), "w");
	setvbuf(crew_stream, room, small ? kinds[below(rng, COUNT(kinds))] : _IOFBF, len);
	trace_stream(crew_stream, 0, "the crew's stream");
}

void op_crew(struct rng *rng)
{
	pthread_barrierattr_t shared;

	plan = make_plan(rng);
	limit_descriptors(DESCRIPTORS);
	crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&crew->start, &shared, plan.members);
	crew_fd = open("crew", plan.flags | O_CREAT | O_TRUNC, 0644);
	ticks_fd = plan.work == work_stream && plan.ticking
			   ? open("ticks", O_WRONLY | O_APPEND | O_CREAT, 0644)
			   : crew_fd;
	if (plan.work == work_stream)
		open_crew_stream(rng);
	for (int i = 0; i < plan.members; i++)
		crew->members[i] =
			(struct member){ .id = i, .fd = crew_fd, .rng = rng_of(draw(rng), i) };
	if (plan.processes)
		run_processes();
	else
		run_threads();
	if (plan.work == work_stream)
		trace(TRY(fclose(crew_stream)), "close of the crew's stream");
	/* An append at a given offset leaves the shared one alone: who was last decides where it
	 * is. */
	if (plan.flags & O_APPEND)
		lseek(crew_fd, 0, SEEK_SET);
	trace_fd(crew_fd, TRY(0), "crew of %d %s at %s%s%s, %d rounds, %zu bytes", plan.members,
		 plan.processes ? "processes" : "threads", plan.name,
		 plan.alone ? ", each with its own descriptor" : "",
		 plan.ticking ? ", and a signal handler" : "", plan.rounds, plan.piece_bytes);
	trace_crew();
	close(crew_fd);
	munmap(crew, sizeof(*crew));
}
