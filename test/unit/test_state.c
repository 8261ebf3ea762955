/*
 * test_state.c
 *	  The state machine of runs against its README, and the backoff between attempts.
 *
 * link: src/sched/state.c
 */
#include "postgres.h"

#include "sched/state.h"
#include "tap.h"

#undef snprintf
#undef printf

#define README "src/sched/README.md"
#define MAX_LINES 16

static char lines[MAX_LINES][256];
static int	nlines = 0;

/* Reads the lines of the README's table of states, "| from | to, to |". */
static void
read_table(void)
{
	FILE	   *file = fopen(README, "r");
	char		line[256];
	int			in_table = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
	{
		if (strcmp(line, "| from | to |\n") == 0)
			in_table = 1;
		else if (in_table && line[0] != '|')
			break;
		else if (in_table && strncmp(line, "| ---", 5) != 0 && nlines < MAX_LINES)
			strcpy(lines[nlines++], line);
	}
	if (file != NULL)
		fclose(file);
}

/* Tells whether the table allows a transition. */
static int
listed(const char *from, const char *to)
{
	for (int i = 0; i < nlines; i++)
	{
		char		copy[256];
		char	   *save;
		char	   *word;

		strcpy(copy, lines[i]);
		word = strtok_r(copy, "| ,\n", &save);
		if (word == NULL || strcmp(word, from) != 0)
			continue;
		while ((word = strtok_r(NULL, "| ,\n", &save)) != NULL)
			if (strcmp(word, to) == 0)
				return 1;
	}
	return 0;
}

int
main(void)
{
	PoRetryPolicy policy = {.max_attempts = 3, .backoff_us = 10, .max_backoff_us = 60};
	PoRunState	state;
	int			wrong = 0;
	int			ends = 0;
	int64		day = INT64CONST(86400000000);

	read_table();
	is_int(nlines, 8, "the README lists eight states");
	for (PoRunState from = PO_RUN_QUEUED; from <= PO_RUN_SKIPPED; from++)
	{
		ok(po_state_parse(po_state_name(from), &state) && state == from, po_state_name(from));
		ends += po_state_is_final(from);
		for (PoRunState to = PO_RUN_QUEUED; to <= PO_RUN_SKIPPED; to++)
			wrong += po_state_may_follow(from, to) != listed(po_state_name(from), po_state_name(to));
	}
	is_int(wrong, 0, "the transitions are those of the README");
	is_int(ends, 6, "six states are final");
	ok(!po_state_parse("paused", &state), "an unknown name is no state");

	ok(po_state_should_retry(&policy, PO_RUN_FAILED, 1), "a failed first attempt is repeated");
	ok(po_state_should_retry(&policy, PO_RUN_TIMED_OUT, 2), "so is one that took too long");
	ok(!po_state_should_retry(&policy, PO_RUN_FAILED, 3), "the last attempt is not");
	ok(!po_state_should_retry(&policy, PO_RUN_CANCELLED, 1), "a cancelled one is not");
	ok(!po_state_should_retry(&policy, PO_RUN_SUCCEEDED, 1), "a good one is not");
	ok(!po_state_should_retry(&policy, PO_RUN_CRASHED, 1), "a crashed one is not by default");
	policy.retry_after_crash = true;
	ok(po_state_should_retry(&policy, PO_RUN_CRASHED, 1), "a crashed one is when that is safe");

	policy.backoff_us = day / 2;
	policy.max_backoff_us = 3 * day;
	is_int(po_state_backoff(&policy, 1, 0.5), day / 2, "the first wait is the backoff");
	is_int(po_state_backoff(&policy, 2, 0.5), day, "the second is twice as long");
	is_int(po_state_backoff(&policy, 3, 0.5), 2 * day, "the third four times");
	is_int(po_state_backoff(&policy, 4, 0.5), 3 * day, "then the maximum holds");
	is_int(po_state_backoff(&policy, 900, 0.5), 3 * day, "and goes on holding");
	is_int(po_state_backoff(&policy, 4, 0.0), 27 * day / 10, "jitter takes ten percent at most");
	ok(po_state_backoff(&policy, 4, 0.999999) < 33 * day / 10, "and adds less than ten percent");
	policy.backoff_us = 0;
	is_int(po_state_backoff(&policy, 5, 0.9), 0, "no backoff, no wait");
	policy.backoff_us = PG_INT64_MAX / 4;
	policy.max_backoff_us = PG_INT64_MAX / 4;
	ok(po_state_backoff(&policy, 60, 0.5) > 0, "long waits do not overflow");
	return done();
}
