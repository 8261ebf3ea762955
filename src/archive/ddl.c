/*
 * ddl.c
 *	  Running commands on tables and reading what the catalog prints of them.
 *
 * All functions here go through SPI, which the caller has connected.
 */
#include "postgres.h"

#include "archive/ddl.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

/* Runs one utility command. */
void
po_ddl_run(const char *sql)
{
	int			rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
}

/* Returns the one text value of a query with an OID parameter; NULL when there is none. */
static char *
fetch_text(const char *sql, Oid parameter)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(parameter)};

	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the catalog");
	return SPI_processed == 0 ? NULL : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Returns what follows PARTITION BY in a table's definition; NULL when it is not partitioned. */
char *
po_ddl_partition_key(Oid relation)
{
	return fetch_text("SELECT pg_catalog.pg_get_partkeydef($1)", relation);
}

/* Returns the bounds of a partition as in its definition, FOR VALUES or DEFAULT. */
char *
po_ddl_partition_bound(Oid partition)
{
	char	   *bound = fetch_text("SELECT pg_catalog.pg_get_expr(relpartbound, oid) FROM pg_catalog.pg_class"
								   " WHERE oid OPERATOR(pg_catalog.=) $1", partition);

	if (bound == NULL)
		elog(ERROR, "relation %u is not a partition", partition);
	return bound;
}

/* Returns a table's comment, NULL when it has none. */
char *
po_ddl_comment(Oid relation)
{
	return fetch_text("SELECT pg_catalog.obj_description($1, 'pg_class')", relation);
}

/* Returns the condition that a partition's bounds imply for its rows. */
char *
po_ddl_partition_constraint(Oid partition)
{
	char	   *condition = fetch_text("SELECT pg_catalog.pg_get_partition_constraintdef($1)", partition);

	if (condition == NULL)
		elog(ERROR, "partition %u has no constraint", partition);
	return condition;
}

/* Tells whether a partitioned table has a partition with these bounds. */
bool
po_ddl_has_partition(Oid relation, const char *bound)
{
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(relation), CStringGetTextDatum(bound)};

	if (SPI_execute_with_args("SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c"
							  " ON c.oid OPERATOR(pg_catalog.=) i.inhrelid"
							  " WHERE i.inhparent OPERATOR(pg_catalog.=) $1"
							  " AND pg_catalog.pg_get_expr(c.relpartbound, c.oid) OPERATOR(pg_catalog.=) $2",
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the catalog");
	return SPI_processed > 0;
}
