/*
 * kind.c
 *	  The kinds of scheduled work, behind one callback table.
 */
#include "postgres.h"

#include "sched/kind.h"

#define MAX_KINDS 16

static const PoJobKind *kinds[MAX_KINDS];
static int	nkinds = 0;

/* Adds a kind; the struct must stay allocated.  Called while the library loads. */
void
po_kind_register(const PoJobKind *kind)
{
	if (nkinds == MAX_KINDS)
		elog(ERROR, "too many kinds of jobs");
	kinds[nkinds++] = kind;
}

/* Returns the kind of that name; raises XX001 for a name that no library version knew. */
const PoJobKind *
po_kind_find(const char *name)
{
	for (int i = 0; i < nkinds; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("unknown kind of job \"%s\"", name),
			 errhint("The job was stored by a newer version of perf_optimizer; install that version again.")));
}
