/*
 * destination.c
 *	  Making the table that archived rows go to.
 *
 * A made destination has the source's columns, checks, comments, storage and
 * primary key, but no defaults, identity or generation: its values come from the
 * source, and a copied default would share the source's sequence.
 */
#include "postgres.h"

#include "archive/columns.h"
#include "archive/destination.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Runs one utility command through SPI, which the caller has connected. */
static void
run_command(const char *sql)
{
	int			rc = SPI_execute(sql, false, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
}

/* Returns the one text value of a query on the catalog with an OID parameter. */
static char *
fetch_text(const char *sql, Oid parameter)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(parameter)};
	int			rc = SPI_execute_with_args(sql, 1, types, values, NULL, true, 1);

	if (rc < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(rc));
	return SPI_processed == 0 ? NULL : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Raises 42P07 when a name is taken in a schema. */
static void
check_name_is_free(Oid schema, const char *name, const char *qualified)
{
	if (OidIsValid(get_relname_relid(name, schema)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation %s already exists", qualified),
				 errhint("Pass destination => %s to use it, or another table.",
						 quote_literal_cstr(qualified))));
}

/* Returns " PARTITION BY ..." of a partitioned table, or an empty string. */
static char *
partition_clause(Oid relation)
{
	char	   *key = fetch_text("SELECT pg_catalog.pg_get_partkeydef($1)", relation);

	return key ? psprintf(" PARTITION BY %s", key) : pstrdup("");
}

/* Gives a new table to the owner of the policy's relation. */
static void
give_to_owner(PoArchivePolicy *policy, const char *name)
{
	Oid			owner = po_policy_run_as(policy);

	if (owner != GetUserId())
		run_command(psprintf("ALTER TABLE %s OWNER TO %s", name,
							 quote_identifier(GetUserNameFromId(owner, false))));
}

/*
 * Makes <relation>_archive beside the policy's relation, partitioned likewise,
 * and returns it.  The caller has connected SPI.  Raises 42P07 when the name is
 * taken and 42501 without CREATE on the schema.
 */
Oid
po_destination_create(PoArchivePolicy *policy)
{
	Oid			schema = get_rel_namespace(policy->relation);
	char	   *plain = makeObjectName(get_rel_name(policy->relation), NULL, "archive");
	char	   *name = quote_qualified_identifier(get_namespace_name(schema), plain);
	char	   *key = po_columns_key(policy->relation);
	bool		partitioned = get_rel_relkind(policy->relation) == RELKIND_PARTITIONED_TABLE;

	check_name_is_free(schema, plain, name);
	run_command(psprintf("CREATE TABLE %s (LIKE %s INCLUDING COMMENTS INCLUDING COMPRESSION"
						 " INCLUDING CONSTRAINTS INCLUDING STORAGE)%s", name,
						 po_relname_qualified(policy->relation), partition_clause(policy->relation)));
	if (key)
		run_command(psprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", name, key));
	if (!partitioned)
		run_command(psprintf("CREATE INDEX ON %s (%s)", name, quote_identifier(policy->time_column)));
	give_to_owner(policy, name);
	return get_relname_relid(plain, schema);
}

/* Tells whether two tables are partitioned by the same key. */
bool
po_destination_is_like(Oid source, Oid destination)
{
	char	   *a = fetch_text("SELECT pg_catalog.pg_get_partkeydef($1)", source);
	char	   *b = fetch_text("SELECT pg_catalog.pg_get_partkeydef($1)", destination);

	return a && b && strcmp(a, b) == 0;
}

/*
 * Makes a partition of the destination with the bounds of a leaf of the source,
 * unless there is one, so that single rows of the leaf have a place.  The caller
 * has connected SPI; the destination is partitioned like the source.
 */
void
po_destination_add_leaf(Oid destination, Oid leaf)
{
	Oid			types[] = {OIDOID, TEXTOID};
	char	   *bound = fetch_text("SELECT pg_catalog.pg_get_expr(relpartbound, oid) FROM pg_catalog.pg_class"
								   " WHERE oid OPERATOR(pg_catalog.=) $1", leaf);
	Datum		values[] = {ObjectIdGetDatum(destination), CStringGetTextDatum(bound)};
	char	   *name;

	if (SPI_execute_with_args("SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c"
							  " ON c.oid OPERATOR(pg_catalog.=) i.inhrelid"
							  " WHERE i.inhparent OPERATOR(pg_catalog.=) $1"
							  " AND pg_catalog.pg_get_expr(c.relpartbound, c.oid) OPERATOR(pg_catalog.=) $2",
							  2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the partitions of the destination");
	if (SPI_processed > 0)
		return;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(destination)),
									  makeObjectName(get_rel_name(leaf), NULL, "archive"));
	run_command(psprintf("CREATE TABLE %s PARTITION OF %s %s", name,
						 po_relname_qualified(destination), bound));
}
