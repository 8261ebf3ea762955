/*
 * state.c
 *	  The states of a run, and how long a failed one waits.  Pure.
 *
 *	 from \ to	queued running succeeded failed timed_out cancelled crashed skipped
 *	 queued		         x               x                x                  x
 *	 running	  x              x       x       x        x        x
 *
 * running to queued is a retry; queued to failed is a runner that could not
 * connect; queued to skipped is a retry that a new slot supersedes.
 */
#include "postgres.h"

#include "sched/state.h"

#define BIT(state) (1 << (state))

static const struct
{
	const char *name;
	int			next;			/* the states that may follow */
}			states[] = {

	[PO_RUN_QUEUED] = {"queued", BIT(PO_RUN_RUNNING) | BIT(PO_RUN_FAILED) |
	BIT(PO_RUN_CANCELLED) | BIT(PO_RUN_SKIPPED)},
	[PO_RUN_RUNNING] = {"running", BIT(PO_RUN_QUEUED) | BIT(PO_RUN_SUCCEEDED) |
	BIT(PO_RUN_FAILED) | BIT(PO_RUN_TIMED_OUT) | BIT(PO_RUN_CANCELLED) | BIT(PO_RUN_CRASHED)},
	[PO_RUN_SUCCEEDED] = {"succeeded", 0},
	[PO_RUN_FAILED] = {"failed", 0},
	[PO_RUN_TIMED_OUT] = {"timed_out", 0},
	[PO_RUN_CANCELLED] = {"cancelled", 0},
	[PO_RUN_CRASHED] = {"crashed", 0},
	[PO_RUN_SKIPPED] = {"skipped", 0},
};

/* Returns the name under which a state is stored and shown; a constant. */
const char *
po_state_name(PoRunState state)
{
	return states[state].name;
}

/* Finds a state by its name; false when there is none. */
bool
po_state_parse(const char *name, PoRunState *state)
{
	for (int i = 0; i < (int) lengthof(states); i++)
	{
		if (strcmp(states[i].name, name) == 0)
		{
			*state = (PoRunState) i;
			return true;
		}
	}
	return false;
}

/* Tells whether nothing follows a state. */
bool
po_state_is_final(PoRunState state)
{
	return states[state].next == 0;
}

/* Tells whether a run may go from one state to the other. */
bool
po_state_may_follow(PoRunState from, PoRunState to)
{
	return (states[from].next & BIT(to)) != 0;
}

/*
 * Tells whether an attempt that ended so is tried again; attempt counts from 1.
 * Nobody asks for a cancelled run again, and a crashed one may have done half
 * of its work, so it is repeated only where that is known to be safe.
 */
bool
po_state_should_retry(const PoRetryPolicy *policy, PoRunState outcome, int attempt)
{
	if (attempt >= policy->max_attempts)
		return false;
	if (outcome == PO_RUN_CRASHED)
		return policy->retry_after_crash;
	return outcome == PO_RUN_FAILED || outcome == PO_RUN_TIMED_OUT;
}

/*
 * Returns how long to wait, in microseconds, after failed attempt number attempt
 * (from 1): the backoff doubles with each attempt up to the maximum.  random, in
 * [0, 1), spreads the result by ten percent to each side, so that what failed
 * together does not come back together.
 */
int64
po_state_backoff(const PoRetryPolicy *policy, int attempt, double random)
{
	int64		wait = Min(policy->backoff_us, policy->max_backoff_us);

	for (int i = 1; i < attempt && wait < policy->max_backoff_us; i++)
		wait = wait > policy->max_backoff_us / 2 ? policy->max_backoff_us : wait * 2;
	return (int64) ((double) wait * (0.9 + 0.2 * random));
}
