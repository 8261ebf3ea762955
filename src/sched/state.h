/*
 * state.h
 *	  The states of a run, and how long a failed one waits.  Pure.
 */
#ifndef PO_SCHED_STATE_H
#define PO_SCHED_STATE_H

/*
 * queued		waiting for its slot's turn, for a worker, or for a retry
 * running		a runner has committed that it works on it
 * the others	final
 */
typedef enum PoRunState
{
	PO_RUN_QUEUED,
	PO_RUN_RUNNING,
	PO_RUN_SUCCEEDED,
	PO_RUN_FAILED,
	PO_RUN_TIMED_OUT,
	PO_RUN_CANCELLED,
	PO_RUN_CRASHED,
	PO_RUN_SKIPPED
} PoRunState;

/* What follows an attempt that did not succeed. */
typedef struct PoRetryPolicy
{
	int			max_attempts;
	int64		backoff_us;
	int64		max_backoff_us;
	bool		retry_after_crash;
} PoRetryPolicy;

extern const char *po_state_name(PoRunState state);
extern bool po_state_parse(const char *name, PoRunState *state);
extern bool po_state_is_final(PoRunState state);
extern bool po_state_may_follow(PoRunState from, PoRunState to);
extern bool po_state_should_retry(const PoRetryPolicy *policy, PoRunState outcome, int attempt);
extern int64 po_state_backoff(const PoRetryPolicy *policy, int attempt, double random);

#endif							/* PO_SCHED_STATE_H */
