/*
 * local.c
 *	  What a backend remembers of the statements that it ran lately.
 *
 * A direct-mapped table in static memory: a statement whose place another one
 * takes is only forgotten, which costs a plan hash and ends its burst.
 */
#include "postgres.h"

#include "workload/local.h"

#define LOCAL_STATEMENTS 512

static PoLocal locals[LOCAL_STATEMENTS];

/* Returns what is remembered of a statement; zeroes but for queryid when that is nothing. */
PoLocal *
po_local_find(uint64 queryid)
{
	PoLocal    *local = &locals[(queryid ^ (queryid >> 32)) % LOCAL_STATEMENTS];

	if (unlikely(local->queryid != queryid))
	{
		memset(local, 0, sizeof(PoLocal));
		local->queryid = queryid;
	}
	return local;
}

/* Returns what is remembered of a statement, or NULL; changes nothing. */
PoLocal *
po_local_peek(uint64 queryid)
{
	PoLocal    *local = &locals[(queryid ^ (queryid >> 32)) % LOCAL_STATEMENTS];

	return local->queryid == queryid ? local : NULL;
}

/* Forgets what the shared table knew, after its reset: samples, plans and bursts are stored anew. */
void
po_local_forget(void)
{
	for (int i = 0; i < LOCAL_STATEMENTS; i++)
	{
		memset(&locals[i].capture, 0, sizeof(PoLocalCapture));
		memset(&locals[i].burst, 0, sizeof(PoLocalBurst));
	}
}
