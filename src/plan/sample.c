/*
 * sample.c
 *	  Captured executions of statements, for whoever plans a normalised text.
 *
 * A sample is another role's data.  po_sample_find gives it to C code of the
 * extension, which plans it as the role that issued it and shows it only to whom
 * po_sample_may_read allows.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "plan/sample.h"
#include "utils/acl.h"

static PoSampleReader read_sample = NULL;

/* Sets the function that reads samples; called while the library loads. */
void
po_sample_register(PoSampleReader reader)
{
	read_sample = reader;
}

/*
 * Returns a captured execution in this database of a statement by a role, in the
 * current memory context: the typical one before the slow one.  NULL when there
 * is none or nothing is tracked.
 */
PoSample *
po_sample_find(int64 queryid, Oid userid)
{
	return read_sample == NULL ? NULL : read_sample(queryid, userid);
}

/* Tells whether the current user may see the texts and values of a role's statements. */
bool
po_sample_may_read(Oid userid)
{
	return userid == GetUserId() || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}
