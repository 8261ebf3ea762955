/*
 * columns.c
 *	  The columns that an archived row carries from its table to the destination.
 *
 * Columns are matched by name, never by position: a table whose columns were
 * dropped and added again has another order than its archive.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "archive/columns.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

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

/* Adds a column to the list unless a blocker or its generation keeps it out. */
static void
match_column(Form_pg_attribute att, Relation destination, StringInfo columns, List **blockers)
{
	Form_pg_attribute other = find_column(destination, NameStr(att->attname));
	Oid			relation = RelationGetRelid(destination);

	if (att->attgenerated == GENERATED_VIRTUAL)
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
po_columns_shared(Oid source, Oid destination, List **blockers)
{
	Relation	from = table_open(source, AccessShareLock);
	Relation	to = table_open(destination, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(from);
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			match_column(TupleDescAttr(desc, i), to, &columns, blockers);
	check_other_columns(from, to, blockers);
	table_close(to, AccessShareLock);
	table_close(from, AccessShareLock);
	return columns.data;
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

/* Returns the quoted list of a relation's primary key columns; NULL when it has none. */
char *
po_columns_key(Oid relation)
{
	Oid			constraint;
	Bitmapset  *offsets = get_primary_key_attnos(relation, false, &constraint);
	StringInfoData columns;
	int			offset = -1;

	if (offsets == NULL)
		return NULL;
	initStringInfo(&columns);
	while ((offset = bms_next_member(offsets, offset)) >= 0)
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
						 quote_identifier(get_attname(relation, offset + FirstLowInvalidHeapAttributeNumber, false)));
	return columns.data;
}
