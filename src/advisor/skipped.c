/*
 * skipped.c
 *	  What the session's last call of suggest_indexes left out.
 */
#include "postgres.h"

#include "advisor/skipped.h"
#include "advisor/workload.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Holds the list and its texts; NULL before the first call. */
static MemoryContext skipped_context = NULL;
static List *skipped_list = NIL;

/* Who made that call: another role must not read its texts. */
static Oid	skipped_owner = InvalidOid;

/* Keeps a copy of a list of PoSkipped in place of the one before. */
void
po_skipped_remember(List *skipped)
{
	MemoryContext old;
	ListCell   *lc;

	skipped_list = NIL;
	if (skipped_context == NULL)
		skipped_context = AllocSetContextCreate(TopMemoryContext, "perf_optimizer skipped statements",
												ALLOCSET_SMALL_SIZES);
	MemoryContextReset(skipped_context);
	old = MemoryContextSwitchTo(skipped_context);
	foreach(lc, skipped)
	{
		const PoSkipped *from = (const PoSkipped *) lfirst(lc);
		PoSkipped  *copy = palloc(sizeof(PoSkipped));

		*copy = *from;
		copy->text = pstrdup(from->text);
		copy->reason = pstrdup(from->reason);
		skipped_list = lappend(skipped_list, copy);
	}
	MemoryContextSwitchTo(old);
	skipped_owner = GetUserId();
}

/* Returns the list of PoSkipped of this role's last call in this session; valid until the next. */
List *
po_skipped_get(void)
{
	return skipped_owner == GetUserId() ? skipped_list : NIL;
}
