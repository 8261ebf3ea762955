/*
 * statement_forms.c
 *	  The indexes that each statement of a workload could use.
 */
#include "postgres.h"

#include "advisor/served.h"
#include "advisor/statement_forms.h"
#include "catalog/partition.h"
#include "plan/access.h"
#include "plan/hypo_build.h"
#include "plan/values.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

/* Most forms of one use of a table with one predicate. */
#define MAX_FORMS_OF_ACCESS 128

/* The widest values of an entry of a B-tree may take so many bytes together: a third of a page, less what is beside them. */
#define MAX_ENTRY_BYTES 2600

/* What exists on one table. */
typedef struct TableEntry
{
	Oid			relid;			/* hash key */
	List	   *existing;		/* PoExisting */
} TableEntry;

/* Makes an empty hash table in the current memory context. */
static HTAB *
create_hash(const char *name, Size keysize, Size entrysize)
{
	HASHCTL		control = {0};

	control.keysize = keysize;
	control.entrysize = entrysize;
	control.hcxt = CurrentMemoryContext;
	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Returns an empty collection of forms, on one table or (InvalidOid) on any, in the current memory context. */
PoFormTable *
po_statement_forms_create(PoExpressions *expressions, Oid relation)
{
	PoFormTable *table = palloc0(sizeof(PoFormTable));

	table->entries = create_hash("perf_optimizer forms", sizeof(PoFormId), sizeof(PoFormEntry));
	table->tables = create_hash("perf_optimizer tables", sizeof(Oid), sizeof(TableEntry));
	table->expressions = expressions;
	table->relation = relation;
	return table;
}

/* Returns the PoExistings of a table, which must be locked. */
List *
po_statement_forms_existing(PoFormTable *table, Oid relid)
{
	bool		found;
	TableEntry *entry = hash_search(table->tables, &relid, HASH_ENTER, &found);

	if (!found)
		entry->existing = po_served_read(relid, table->expressions);
	return entry->existing;
}

/* Says what sets a form apart. */
static PoFormKind
kind_of(const PoForm *form)
{
	if (form->method != InvalidOid)
		return PO_FORM_OTHER;
	if (form->predicate != 0)
		return PO_FORM_PARTIAL;
	return form->nincluded > 0 ? PO_FORM_COVERING : PO_FORM_PLAIN;
}

/*
 * Says whether CREATE INDEX would fail, as far as some rows tell: an expression raises
 * an error, or values do not fit into an entry of a B-tree.
 */
static bool
is_impossible(PoFormTable *table, Oid relid, const PoForm *form)
{
	int			bytes = 0;

	for (int i = 0; i < form->key.ncolumns; i++)
	{
		const PoValues *values = po_values_get(table->expressions, relid, form->key.columns[i]);

		if (values->failed)
			return true;
		bytes += values->widest;
	}
	for (int i = 0; i < form->nincluded; i++)
		bytes += po_values_get(table->expressions, relid, form->included[i])->widest;
	return form->method == InvalidOid && bytes > MAX_ENTRY_BYTES;
}

/* Returns the entry of a form; makes it, with its hypothetical index, when it is new. */
PoFormEntry *
po_statement_forms_entry(PoFormTable *table, Oid relid, const PoForm *form)
{
	PoFormId	id;
	PoFormEntry *entry;
	bool		found;

	memset(&id, 0, sizeof(id));
	id.relid = relid;
	id.form = *form;
	entry = hash_search(table->entries, &id, HASH_ENTER, &found);
	if (!found)
	{
		entry->kind = kind_of(form);
		entry->kept = false;
		entry->superfluous = NIL;
		entry->number = -1;
		entry->seen = 0;
		entry->index = NULL;
		entry->served = po_served_by(po_statement_forms_existing(table, relid), form);
		entry->impossible = !entry->served && is_impossible(table, relid, form);
		if (!entry->served && !entry->impossible)
			entry->index = po_hypo_build_form(relid, form, table->expressions);
	}
	return entry;
}

/* Returns the number that a column of a partitioned table has in one of its partitions. */
static int
translate_column(Oid from, Oid to, int column)
{
	int			attnum = get_attnum(to, get_attname(from, PO_COLUMN_ATTNUM(column), false));
	int			translated = attnum + abs(column) - PO_COLUMN_ATTNUM(column);

	return column < 0 ? -translated : translated;
}

/*
 * Translates a form on a partitioned table to the asked-for partition; returns the table
 * that the index would be on, or InvalidOid when it is none that was asked for.
 */
static Oid
target_of(const PoFormTable *table, Oid relid, PoForm *form)
{
	if (!OidIsValid(table->relation) || table->relation == relid)
		return relid;
	if (!get_rel_relispartition(table->relation) ||
		!list_member_oid(get_partition_ancestors(table->relation), relid))
		return InvalidOid;
	/* An expression of the partitioned table is not one of the partition's. */
	if (form->predicate != 0)
		return InvalidOid;
	for (int i = 0; i < form->key.ncolumns; i++)
	{
		if (po_key_column_is_expression(form->key.columns[i]))
			return InvalidOid;
		form->key.columns[i] = translate_column(relid, table->relation, form->key.columns[i]);
	}
	for (int i = 0; i < form->nincluded; i++)
		form->included[i] = translate_column(relid, table->relation, form->included[i]);
	LockRelationOid(table->relation, AccessShareLock);
	return table->relation;
}

/* Adds a form of a table to a statement's, unless it is there or served. */
static void
add_form(PoFormTable *table, PoStatementForms *forms, Oid relid, PoForm *form)
{
	Oid			target = target_of(table, relid, form);
	PoFormEntry *entry;

	if (!OidIsValid(target) || forms->n == PO_STATEMENT_FORMS_MAX)
		return;
	entry = po_statement_forms_entry(table, target, form);
	if (entry->index == NULL || entry->seen == table->collections)
		return;
	entry->seen = table->collections;
	forms->entries[forms->n++] = entry;
	forms->nofkind[entry->kind]++;
}

/* Adds the B-trees that one use of a table could use with one predicate or none. */
static void
add_trees(PoFormTable *table, PoStatementForms *forms, const PoAccess *access, const PoFetched *fetched)
{
	PoForm	   *made = palloc(sizeof(PoForm) * MAX_FORMS_OF_ACCESS);
	int			n = po_form_generate(&access->needs, fetched, made, MAX_FORMS_OF_ACCESS);

	for (int i = 0; i < n; i++)
		add_form(table, forms, access->relid, &made[i]);
	pfree(made);
}

/* Collects the forms worth trying for one statement, each once, without those that exist. */
PoStatementForms *
po_statement_forms_collect(PoFormTable *table, const PoAdvisorQuery *query)
{
	PoStatementForms *forms = palloc0(offsetof(PoStatementForms, entries) +
									  sizeof(PoFormEntry *) * PO_STATEMENT_FORMS_MAX);
	PoFetched	nothing = {0};
	ListCell   *lc;
	ListCell   *lc2;

	table->collections++;
	foreach(lc, query->accesses)
	{
		const PoAccess *access = (const PoAccess *) lfirst(lc);

		if (access->fetched == NIL)
			add_trees(table, forms, access, &nothing);
		foreach(lc2, access->fetched)
			add_trees(table, forms, access, (const PoFetched *) lfirst(lc2));
		foreach(lc2, access->others)
		{
			PoForm		form = *(const PoForm *) lfirst(lc2);

			add_form(table, forms, access->relid, &form);
		}
	}
	return repalloc(forms, offsetof(PoStatementForms, entries) + sizeof(PoFormEntry *) * (forms->n + 1));
}

/* Says whether two statements have the same forms. */
bool
po_statement_forms_equal(const PoStatementForms *a, const PoStatementForms *b)
{
	return a->n == b->n && memcmp(a->entries, b->entries, sizeof(PoFormEntry *) * a->n) == 0;
}
