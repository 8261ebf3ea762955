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

/* Returns the kind of that name, or NULL. */
const PoJobKind *
po_kind_find_or_null(const char *name)
{
	for (int i = 0; i < nkinds; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

/* Returns the kind of that name; raises 0A000 for one that this version does not know. */
const PoJobKind *
po_kind_find(const char *name)
{
	const PoJobKind *kind = po_kind_find_or_null(name);

	if (kind == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("unknown kind of job \"%s\"", name),
				 errhint("The job was stored by a newer version of perf_optimizer; install that version again.")));
	return kind;
}
