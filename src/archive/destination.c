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
#include "archive/ddl.h"
#include "archive/destination.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "core/relname.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

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
	char	   *key = po_ddl_partition_key(relation);

	return key ? psprintf(" PARTITION BY %s", key) : pstrdup("");
}

/* Gives a new table to the owner of the policy's relation. */
static void
give_to_owner(PoArchivePolicy *policy, const char *name)
{
	Oid			owner = po_policy_run_as(policy);

	if (owner != GetUserId())
		po_ddl_run(psprintf("ALTER TABLE %s OWNER TO %s", name,
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
	char	   *comment = po_ddl_comment(policy->relation);
	bool		partitioned = get_rel_relkind(policy->relation) == RELKIND_PARTITIONED_TABLE;

	check_name_is_free(schema, plain, name);
	po_ddl_run(psprintf("CREATE TABLE %s (LIKE %s INCLUDING COMMENTS INCLUDING COMPRESSION"
						" INCLUDING CONSTRAINTS INCLUDING STORAGE)%s", name,
						po_relname_qualified(policy->relation), partition_clause(policy->relation)));
	if (comment)
		po_ddl_run(psprintf("COMMENT ON TABLE %s IS %s", name, quote_literal_cstr(comment)));
	if (key)
		po_ddl_run(psprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", name, key));
	if (!partitioned)
		po_ddl_run(psprintf("CREATE INDEX ON %s (%s)", name, quote_identifier(policy->time_column)));
	give_to_owner(policy, name);
	return get_relname_relid(plain, schema);
}

/* Tells whether two tables are partitioned by the same key. */
bool
po_destination_is_like(Oid source, Oid destination)
{
	char	   *a = po_ddl_partition_key(source);
	char	   *b = po_ddl_partition_key(destination);

	return a && b && strcmp(a, b) == 0;
}

/* Returns the partition of a table that a leaf is or is below of. */
static Oid
direct_partition(Oid relation, Oid leaf)
{
	Oid			parent;

	while ((parent = get_partition_parent(leaf, false)) != relation)
		leaf = parent;
	return leaf;
}

/*
 * Makes a partition of the destination with the bounds of the source's partition
 * that a leaf is part of, unless there is one, so that single rows of the leaf
 * have a place.  The caller has connected SPI; the destination is partitioned
 * like the source.
 */
void
po_destination_add_leaf(PoArchivePolicy *policy, Oid leaf)
{
	Oid			partition = direct_partition(policy->relation, leaf);
	char	   *bound = po_ddl_partition_bound(partition);
	char	   *name;

	if (po_ddl_has_partition(policy->destination, bound))
		return;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(policy->destination)),
									  makeObjectName(get_rel_name(partition), NULL,
													 policy->reversed ? "restored" : "archive"));
	po_ddl_run(psprintf("CREATE TABLE %s PARTITION OF %s %s", name,
						po_relname_qualified(policy->destination), bound));
}

/*
 * Adds the columns that the policy's relation has and the destination lacks,
 * where the policy wants that.  The caller has connected SPI.  Raises 42501
 * unless the current user owns the destination.
 */
void
po_destination_add_columns(PoArchivePolicy *policy)
{
	ListCell   *cell;

	if (!policy->add_columns || !OidIsValid(policy->destination))
		return;
	foreach(cell, po_columns_missing(policy->relation, policy->destination))
		po_ddl_run(psprintf("ALTER TABLE %s ADD COLUMN %s", po_relname_qualified(policy->destination),
							(char *) lfirst(cell)));
}
