/*
 * subtransaction.c
 *	  Work that may fail without taking its caller's transaction along.
 *
 * A caller may itself be inside a subtransaction that somebody catches errors in, as a
 * block of PL/pgSQL does; what catches them ends the innermost one.  Therefore a
 * subtransaction of ours never stays open behind an error.
 */
#include "postgres.h"

#include "access/xact.h"
#include "core/subtransaction.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* Runs work in a subtransaction; undone in any case, or only by an error, which is returned. */
static ErrorData *
run(PoSubtransactionWork work, void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL || !keep)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/*
 * Runs work in a subtransaction and in the current memory context.  Returns NULL when it
 * is done, or the error that undid it, which the caller may raise again.
 */
ErrorData *
po_subtransaction_keep(PoSubtransactionWork work, void *arg)
{
	return run(work, arg, true);
}

/* As po_subtransaction_keep, but what work did to the database is undone in any case; its locks go with it. */
ErrorData *
po_subtransaction_undo(PoSubtransactionWork work, void *arg)
{
	return run(work, arg, false);
}
