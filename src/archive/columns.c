/*
 * columns.c
 *	  The columns that an archived row carries from its table to the destination.
 *
 * Columns are matched by name, never by position: a table whose columns were
 * dropped and added again has another order than its archive.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "archive/columns.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* As in pg_attribute.attgenerated; virtual ones exist from 18 on. */
#define GENERATED_VIRTUAL 'v'

/* Returns a relation's column of this name; NULL when it has none. */
static Form_pg_attribute
find_column(Relation rel, const char *name)
{
	AttrNumber	attno = get_attnum(RelationGetRelid(rel), name);

	return attno > 0 ? TupleDescAttr(RelationGetDescr(rel), attno - 1) : NULL;
}

/* Tells whether every value of column a fits into column b unchanged. */
static bool
fits(Form_pg_attribute a, Form_pg_attribute b)
{
	if (a->atttypid != b->atttypid || a->attcollation != b->attcollation)
		return false;
	if (a->atttypmod == b->atttypmod || b->atttypmod == -1)
		return true;
	return a->atttypid == VARCHAROID && a->atttypmod != -1 && b->atttypmod > a->atttypmod;
}

/* Adds a blocker about a column. */
static void
add_blocker(List **blockers, const char *format, const char *column, Oid relation)
{
	char	   *text = psprintf(format, column, po_relname_qualified(relation));

	*blockers = lappend(*blockers, text);
}

/*
 * Adds a column to the list unless a blocker or its generation keeps it out.  A
 * restore leaves columns to the table that generates them, and those that the
 * table does not have any more to the archive.
 */
static void
match_column(Form_pg_attribute att, Relation destination, PoColumnsMode mode, StringInfo columns, List **blockers)
{
	Form_pg_attribute other = find_column(destination, NameStr(att->attname));
	Oid			relation = RelationGetRelid(destination);

	if (att->attgenerated == GENERATED_VIRTUAL)
		return;
	if (mode == PO_COLUMNS_RESTORE && (other == NULL || other->attgenerated != '\0'))
		return;
	if (other == NULL && mode == PO_COLUMNS_ADD)
		return;
	if (other == NULL)
		add_blocker(blockers, "column \"%s\" is missing in destination %s: add it there",
					NameStr(att->attname), relation);
	else if (other->attgenerated != '\0')
		add_blocker(blockers, "column \"%s\" is generated in destination %s and cannot take the archived value: make it a plain column",
					NameStr(att->attname), relation);
	else if (!fits(att, other))
		add_blocker(blockers, "column \"%s\" of destination %s has another type, length or collation: change it there",
					NameStr(att->attname), relation);
	else
		appendStringInfo(columns, "%s%s", columns->len > 0 ? ", " : "",
						 quote_identifier(NameStr(att->attname)));
}

/* Adds blockers for columns of the destination that an archived row would leave NULL against NOT NULL. */
static void
check_other_columns(Relation source, Relation destination, List **blockers)
{
	TupleDesc	desc = RelationGetDescr(destination);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attnotnull && !att->atthasdef && att->attidentity == '\0' &&
			find_column(source, NameStr(att->attname)) == NULL)
			add_blocker(blockers, "column \"%s\" of destination %s is NOT NULL without a default, and archived rows have no value for it",
						NameStr(att->attname), RelationGetRelid(destination));
	}
}

/*
 * Returns the quoted list of the columns to carry, and adds to *blockers what
 * stands against it.  Both relations exist.
 */
char *
po_columns_shared(Oid source, Oid destination, PoColumnsMode mode, List **blockers)
{
	Relation	from = table_open(source, AccessShareLock);
	Relation	to = table_open(destination, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(from);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			match_column(TupleDescAttr(desc, i), to, mode, &columns, blockers);
	check_other_columns(from, to, blockers);
	table_close(to, AccessShareLock);
	table_close(from, AccessShareLock);
	return columns.data;
}

/* Returns the quoted list of the columns that a row of a relation carries into a file. */
char *
po_columns_stored(Oid relation)
{
	Relation	rel = table_open(relation, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated == '\0')
			appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
							 quote_identifier(NameStr(att->attname)));
	}
	table_close(rel, AccessShareLock);
	return columns.data;
}

/* Returns the definitions of the columns that a destination lacks, for ADD COLUMN; NIL when it has all. */
List *
po_columns_missing(Oid source, Oid destination)
{
	Relation	from = table_open(source, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(from);
	List	   *missing = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		char	   *collation = "";

		if (att->attisdropped || att->attgenerated == GENERATED_VIRTUAL ||
			get_attnum(destination, NameStr(att->attname)) != InvalidAttrNumber)
			continue;
		if (OidIsValid(att->attcollation))
			collation = psprintf(" COLLATE %s", generate_collation_name(att->attcollation));
		missing = lappend(missing, psprintf("%s %s%s", quote_identifier(NameStr(att->attname)),
											format_type_extended(att->atttypid, att->atttypmod,
																 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
											collation));
	}
	table_close(from, AccessShareLock);
	return missing;
}

/* Returns the number of columns that a relation has now. */
static int
live_columns(TupleDesc desc)
{
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
		n += !TupleDescAttr(desc, i)->attisdropped;
	return n;
}

/* Tells whether a partition with column a can have a parent with column b. */
static bool
can_inherit(Form_pg_attribute a, Form_pg_attribute b)
{
	return b != NULL && a->atttypid == b->atttypid && a->atttypmod == b->atttypmod &&
		a->attcollation == b->attcollation && a->attgenerated == b->attgenerated &&
		(a->attnotnull || !b->attnotnull);
}

/* Tells whether partitions of source have the columns that partitions of destination need. */
bool
po_columns_alike(Oid source, Oid destination)
{
	Relation	from = table_open(source, AccessShareLock);
	Relation	to = table_open(destination, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(from);
	bool		alike = live_columns(desc) == live_columns(RelationGetDescr(to));

	for (int i = 0; i < desc->natts && alike; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			alike = can_inherit(att, find_column(to, NameStr(att->attname)));
	}
	table_close(to, AccessShareLock);
	table_close(from, AccessShareLock);
	return alike;
}

/* Returns the names of a relation's primary key columns; NIL when it has none. */
static List *
key_columns(Oid relation)
{
	Oid			constraint;
	Bitmapset  *offsets = get_primary_key_attnos(relation, false, &constraint);
	List	   *names = NIL;
	int			offset = -1;

	while ((offset = bms_next_member(offsets, offset)) >= 0)
		names = lappend(names, get_attname(relation, offset + FirstLowInvalidHeapAttributeNumber, false));
	return names;
}

/* Returns the quoted list of a relation's primary key columns; NULL when it has none. */
char *
po_columns_key(Oid relation)
{
	StringInfoData columns;
	ListCell   *cell;

	initStringInfo(&columns);
	foreach(cell, key_columns(relation))
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "", quote_identifier(lfirst(cell)));
	return columns.len > 0 ? columns.data : NULL;
}

/* Returns a type's equality operator as SQL, qualified. */
static char *
equality(Oid type)
{
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "type %u has no equality operator", type);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
					  NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return result;
}

/* Returns the condition that rows a and b have the same key, that of a relation; NULL when it has none. */
char *
po_columns_same_key(Oid relation, const char *a, const char *b)
{
	StringInfoData condition;
	ListCell   *cell;

	initStringInfo(&condition);
	foreach(cell, key_columns(relation))
	{
		const char *column = quote_identifier(lfirst(cell));
		Oid			type = get_atttype(relation, get_attnum(relation, lfirst(cell)));

		appendStringInfo(&condition, "%s%s.%s %s %s.%s", condition.len > 0 ? " AND " : "",
						 a, column, equality(type), b, column);
	}
	return condition.len > 0 ? condition.data : NULL;
}
