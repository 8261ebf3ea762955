/*
 * relname.c
 *	  Names of relations as they are printed for people and in generated SQL.
 */
#include "postgres.h"

#include "core/relname.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Returns schema.name of a relation, each part quoted where SQL needs it, or
 * NULL when the relation is gone.  Palloc'd.
 */
char *
po_relname_qualified_or_null(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = name ? get_namespace_name(get_rel_namespace(relid)) : NULL;

	return schema ? quote_qualified_identifier(schema, name) : NULL;
}

/*
 * Like po_relname_qualified_or_null, but raises 42P01 when the relation is gone
 * (dropped by another session between two steps of ours).
 */
char *
po_relname_qualified(Oid relid)
{
	char	   *name = po_relname_qualified_or_null(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("It may have been dropped meanwhile.")));
	return name;
}

/*
 * Returns the number that a column of one relation has in another, which is it or
 * has columns of the same names, as a partition has; 0 when it has none.  System
 * columns are the same everywhere.
 */
AttrNumber
po_relname_column(Oid from, Oid to, AttrNumber column)
{
	char	   *name;

	if (from == to || column <= 0)
		return column;
	name = get_attname(from, column, true);
	return name == NULL ? InvalidAttrNumber : get_attnum(to, name);
}
