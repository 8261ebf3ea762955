/*
 * checks.c
 *	  What foreign keys look up when rows that others refer to are deleted.
 *
 * For each row that is deleted, or whose key is updated, the server searches the referring
 * table.  No plan of the statement shows that, so a DELETE by primary key looks cheap although
 * it reads another table whole.  Here these searches become statements of the workload of
 * their own, each with as many executions as there are such rows; like the server's own they
 * are planned as the referring table's owner.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "advisor/checks.h"
#include "advisor/writes.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "core/foreign_key.h"
#include "core/own.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Locks the table of a foreign key against changes and says whether the key is still there. */
static bool
lock_key(const PoForeignKey *key)
{
	LockRelationOid(key->referencing, AccessShareLock);
	return SearchSysCacheExists1(CONSTROID, ObjectIdGetDatum(key->constraint));
}

/* Returns the search for rows that refer to one row, with a comment that says what it is. */
static char *
write_search(const PoForeignKey *key)
{
	StringInfoData sql;
	char	   *name = pstrdup(get_constraint_name(key->constraint));

	/* The name must not end the comment. */
	for (char *p = name; *p != '\0'; p++)
	{
		if (*p == '/')
			*p = '_';
	}
	initStringInfo(&sql);
	appendStringInfo(&sql, "/* check of %s */ SELECT FROM %s%s x WHERE", name,
					 get_rel_relkind(key->referencing) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 po_relname_qualified(key->referencing));
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&sql, "%s x.%s = $%d", i > 0 ? " AND" : "",
						 quote_identifier(get_attname(key->referencing, key->columns[i], false)), i + 1);
	appendStringInfoString(&sql, " FOR KEY SHARE OF x");
	return sql.data;
}

/* Adds the searches for rows that refer to those of one table, as far as no index serves them. */
static void
add_searches(PoWorkload *workload, const PoWrites *writes)
{
	ListCell   *lc;

	foreach(lc, po_foreign_key_referencing(writes->relid))
	{
		const PoForeignKey *key = (const PoForeignKey *) lfirst(lc);
		Bitmapset  *columns = NULL;
		PoAdvisorQuery *query;

		for (int i = 0; i < key->ncolumns; i++)
			columns = bms_add_member(columns, key->referenced_columns[i] - FirstLowInvalidHeapAttributeNumber);
		query = palloc0(sizeof(PoAdvisorQuery));
		query->weight = writes->deletes + po_writes_updates(writes, columns);
		if (key->indexed || key->inherited || query->weight <= 0 || !lock_key(key))
			continue;
		query->text = write_search(key);
		query->role = po_own_relation_owner(key->referencing);
		query->rows = -1;
		po_workload_add(workload, query);
	}
}

/* Adds to a workload what its deletes and updates of keys make foreign keys search, in the current memory context. */
void
po_checks_add(PoWorkload *workload)
{
	ListCell   *lc;

	foreach(lc, po_writes_collect(workload))
		add_searches(workload, (const PoWrites *) lfirst(lc));
}
