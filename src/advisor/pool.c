/*
 * pool.c
 *	  The candidate indexes of a workload.
 *
 * All forms worth trying for one statement are shown to the planner at once, first
 * narrow keys, then wider ones, covering and partial ones; what its plans scan is kept,
 * and once more after the first choice is taken away.  To these come their beginnings
 * (smaller), their columns in other sequences (shared with other statements), and
 * what two of them are together.
 */
#include "postgres.h"

#include <math.h>

#include "advisor/effort.h"
#include "advisor/pool.h"
#include "advisor/served.h"
#include "advisor/statement_forms.h"
#include "advisor/writes.h"
#include "core/relname.h"
#include "miscadmin.h"
#include "plan/hypo_build.h"
#include "plan/size.h"
#include "utils/timestamp.h"

/* Statements with less than this share of the workload's cost add no candidates of their own. */
#define MIN_COST_SHARE 1e-9

/* Statements with the same forms are planned as one when their costs differ by no more than this share. */
#define MAX_COST_DIFFERENCE 0.1

/* Where statements name more relations than this together, each is looked at less closely. */
#define MANY_RELATIONS 400

/* What is shown to the planner in one step: kinds of forms, and keys up to a width. */
typedef struct Step
{
	unsigned	kinds;
	int			width;
	int			rounds;			/* that often, each time without what was used
								 * before */
} Step;

#define SHOW(kind) (1u << (kind))

static const Step steps[] = {
	{SHOW(PO_FORM_PLAIN), 1, 2},
	{SHOW(PO_FORM_PLAIN), 2, 2},
	{SHOW(PO_FORM_PLAIN), PO_KEY_COLUMNS, 2},
	{SHOW(PO_FORM_PLAIN) | SHOW(PO_FORM_COVERING), PO_KEY_COLUMNS, 2},
	{SHOW(PO_FORM_PLAIN) | SHOW(PO_FORM_COVERING) | SHOW(PO_FORM_PARTIAL), PO_KEY_COLUMNS, 2},
	{SHOW(PO_FORM_OTHER), PO_KEY_COLUMNS, 2},
};

typedef struct PoolBuilder
{
	PoPool	   *pool;
	PoFormTable *table;
	List	   *kept;			/* PoFormEntry */
} PoolBuilder;

/* Makes an entry a candidate. */
static void
keep(PoolBuilder *builder, PoFormEntry *entry)
{
	if (entry->kept || entry->index == NULL || list_length(builder->kept) >= PO_SET_MAX)
		return;
	entry->kept = true;
	entry->superfluous = po_served_superfluous(po_statement_forms_existing(builder->table, entry->id.relid),
											   &entry->id.form);
	builder->kept = lappend(builder->kept, entry);
}

/* Says whether two keys have the same columns, in any sequence and direction. */
static bool
same_columns(const PoKey *a, const PoKey *b)
{
	if (a->ncolumns != b->ncolumns)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
	{
		bool		found = false;

		for (int j = 0; j < b->ncolumns; j++)
			found |= PO_COLUMN_ATTNUM(a->columns[i]) == PO_COLUMN_ATTNUM(b->columns[j]);
		if (!found)
			return false;
	}
	return true;
}

/* Says whether one form is to be kept because another one was used: its beginning, or its columns in another sequence. */
static bool
is_family(const PoForm *form, const PoForm *used)
{
	if (form->method != used->method || form->predicate != used->predicate)
		return false;
	if (form->nincluded == 0 && po_candidate_is_prefix(&form->key, &used->key))
		return true;
	return form->nincluded == 0 && used->nincluded == 0 && same_columns(&form->key, &used->key);
}

/* Keeps the entries whose index is in a list, and their families. */
static void
keep_used(PoolBuilder *builder, const PoStatementForms *forms, List *used)
{
	for (int i = 0; i < forms->n; i++)
	{
		PoFormEntry *entry = forms->entries[i];

		if (!list_member_ptr(used, entry->index))
			continue;
		keep(builder, entry);
		for (int j = 0; j < forms->n; j++)
		{
			if (forms->entries[j]->id.relid == entry->id.relid &&
				is_family(&forms->entries[j]->id.form, &entry->id.form))
				keep(builder, forms->entries[j]);
		}
	}
}

/* Plans a statement with its forms of a step, except those in without; returns the indexes used. */
static List *
try_forms(PoolBuilder *builder, PoAdvisorQuery *query, const PoStatementForms *forms,
		  const Step *step, List *without)
{
	List	   *indexes = NIL;
	List	   *used = NIL;

	for (int i = 0; i < forms->n; i++)
	{
		PoFormEntry *entry = forms->entries[i];

		if ((step->kinds & SHOW(entry->kind)) && entry->id.form.key.ncolumns <= step->width &&
			!list_member_ptr(without, entry->index))
			indexes = lappend(indexes, entry->index);
	}
	if (indexes == NIL)
		return NIL;
	CHECK_FOR_INTERRUPTS();
	builder->pool->planner_calls++;
	(void) po_effort_plan(query, indexes, po_whatif_keep_used, &used);
	list_free(indexes);
	return used;
}

/* Says whether a step shows a statement anything that the step before did not. */
static bool
is_worthwhile(const PoStatementForms *forms, const Step *step)
{
	unsigned	last = 0;
	bool		wide = false;

	for (int kind = 0; kind < PO_FORM_KINDS; kind++)
	{
		if (step->kinds & SHOW(kind))
			last = kind;
	}
	if (last != PO_FORM_PLAIN)
		return forms->nofkind[last] > 0;
	for (int i = 0; i < forms->n && !wide; i++)
		wide = forms->entries[i]->kind == PO_FORM_PLAIN &&
			forms->entries[i]->id.form.key.ncolumns == step->width;
	return wide;
}

/* Finds the candidates of one statement. */
static void
harvest(PoolBuilder *builder, PoAdvisorQuery *query, const PoStatementForms *forms)
{
	bool		many = builder->pool->brief;

	for (int i = 0; i < lengthof(steps); i++)
	{
		List	   *without = NIL;

		if (!is_worthwhile(forms, &steps[i]) ||
			(many && steps[i].kinds == SHOW(PO_FORM_PLAIN) && steps[i].width < PO_KEY_COLUMNS))
			continue;
		for (int round = 0; round < (many ? 1 : steps[i].rounds); round++)
		{
			List	   *used = try_forms(builder, query, forms, &steps[i], without);

			keep_used(builder, forms, used);
			if (used == NIL)
				break;
			without = list_concat(without, used);
		}
	}
}

/* Keeps what two kept entries on one table are together, so that statements can share an index. */
static void
keep_merged(PoolBuilder *builder)
{
	List	   *single = list_copy(builder->kept);
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, single)
	{
		const PoFormEntry *wide = (const PoFormEntry *) lfirst(lc);

		foreach(lc2, single)
		{
			const PoFormEntry *narrow = (const PoFormEntry *) lfirst(lc2);
			PoForm		merged;

			if (wide != narrow && wide->id.relid == narrow->id.relid &&
				po_form_merge(&wide->id.form, &narrow->id.form, &merged))
				keep(builder, po_statement_forms_entry(builder->table, wide->id.relid, &merged));
		}
	}
	list_free(single);
}

/* Compares two statements by what they cost the workload, the most costly first. */
static int
compare_queries(const ListCell *a, const ListCell *b)
{
	const PoAdvisorQuery *qa = (const PoAdvisorQuery *) lfirst(a);
	const PoAdvisorQuery *qb = (const PoAdvisorQuery *) lfirst(b);
	double		ca = qa->weight * qa->cost;
	double		cb = qb->weight * qb->cost;

	if (ca != cb)
		return ca > cb ? -1 : 1;
	return strcmp(qa->text, qb->text);
}

/* Compares two columns of keys: by attribute, then plain before decorated, then ascending first. */
static int
compare_columns(int a, int b)
{
	if (PO_COLUMN_ATTNUM(a) != PO_COLUMN_ATTNUM(b))
		return PO_COLUMN_ATTNUM(a) - PO_COLUMN_ATTNUM(b);
	return abs(a) != abs(b) ? abs(a) - abs(b) : b - a;
}

/* Compares two entries: by table name, then those that extend an existing index first, then narrow before wide, then by columns, then by what sets them apart. */
static int
compare_entries(const ListCell *a, const ListCell *b)
{
	const PoFormEntry *ea = (const PoFormEntry *) lfirst(a);
	const PoFormEntry *eb = (const PoFormEntry *) lfirst(b);
	const PoForm *fa = &ea->id.form;
	const PoForm *fb = &eb->id.form;

	if (ea->id.relid != eb->id.relid)
		return strcmp(po_relname_qualified(ea->id.relid), po_relname_qualified(eb->id.relid));
	if (list_length(ea->superfluous) != list_length(eb->superfluous))
		return list_length(eb->superfluous) - list_length(ea->superfluous);
	if (fa->key.ncolumns != fb->key.ncolumns)
		return fa->key.ncolumns - fb->key.ncolumns;
	for (int i = 0; i < fa->key.ncolumns; i++)
	{
		if (fa->key.columns[i] != fb->key.columns[i])
			return compare_columns(fa->key.columns[i], fb->key.columns[i]);
	}
	if (fa->method != fb->method)
		return fa->method < fb->method ? -1 : 1;
	return memcmp(fa, fb, sizeof(PoForm));
}

/* Says whether an index of a form holds all columns of another. */
static bool
holds_all(const PoForm *form, const PoForm *columns)
{
	PoForm		together = *form;

	if (!po_form_include(&together, columns->included, columns->nincluded))
		return false;
	for (int i = 0; i < columns->key.ncolumns; i++)
	{
		int			attnum = PO_COLUMN_ATTNUM(columns->key.columns[i]);

		if (!po_form_include(&together, &attnum, 1))
			return false;
	}
	return together.nincluded == form->nincluded;
}

/*
 * Says whether a candidate could matter to a statement: it starts with a column that the
 * statement reaches it by, or holds all that it reads.
 */
static bool
is_relevant(const PoFormEntry *entry, const PoStatementForms *forms)
{
	for (int i = 0; i < forms->n; i++)
	{
		const PoFormEntry *own = forms->entries[i];

		if (own->id.relid != entry->id.relid || own->id.form.method != entry->id.form.method ||
			own->id.form.predicate != entry->id.form.predicate)
			continue;
		if (PO_COLUMN_ATTNUM(own->id.form.key.columns[0]) ==
			PO_COLUMN_ATTNUM(entry->id.form.key.columns[0]))
			return true;
		if (own->id.form.nincluded > 0 && holds_all(&entry->id.form, &own->id.form))
			return true;
	}
	return false;
}

/* Fills in the pool's candidates from the kept entries, and numbers them. */
static void
fill_candidates(PoolBuilder *builder, PoWorkload *workload)
{
	PoPool	   *pool = builder->pool;
	List	   *writes = po_writes_collect(workload);
	ListCell   *lc;

	list_sort(builder->kept, compare_entries);
	pool->candidates = palloc0(sizeof(PoSearchCandidate) * (list_length(builder->kept) + 1));
	pool->indexes = palloc0(sizeof(PoHypoIndex *) * (list_length(builder->kept) + 1));
	pool->superfluous = palloc0(sizeof(List *) * (list_length(builder->kept) + 1));
	foreach(lc, builder->kept)
	{
		PoFormEntry *entry = (PoFormEntry *) lfirst(lc);
		PoSearchCandidate *candidate = &pool->candidates[pool->ncandidates];

		CHECK_FOR_INTERRUPTS();
		candidate->relid = entry->id.relid;
		candidate->form = entry->id.form;
		candidate->size = (double) po_size_bytes(entry->index);
		pool->superfluous[pool->ncandidates] = entry->superfluous;
		candidate->write_cost = po_writes_cost(writes, entry->index,
											   list_length(entry->superfluous),
											   workload->measured);
		pool->indexes[pool->ncandidates] = entry->index;
		entry->number = pool->ncandidates++;
	}
}

/* Fills in which candidates are relevant to each group. */
static void
fill_relevance(PoolBuilder *builder)
{
	PoPool	   *pool = builder->pool;
	ListCell   *lc;

	pool->relevant = palloc0(sizeof(PoSet) * (pool->ngroups + 1));
	for (int g = 0; g < pool->ngroups; g++)
	{
		foreach(lc, builder->kept)
		{
			if (is_relevant((PoFormEntry *) lfirst(lc), pool->groups[g].forms))
				po_set_add(&pool->relevant[g], ((PoFormEntry *) lfirst(lc))->number);
		}
	}
}

/* Adds up the workload's cost as things are. */
static double
total_cost(const PoWorkload *workload)
{
	double		total = 0;
	ListCell   *lc;

	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);

		total += query->weight * query->cost;
	}
	return total;
}

/* Writes the statement that creates a candidate, and its name. */
void
po_pool_describe(PoPool *pool, int candidate)
{
	po_hypo_build_texts(pool->indexes[candidate], &pool->candidates[candidate].form, pool->table->expressions);
}

/* Returns the group that a statement belongs to, of those from first on, or -1. */
static int
find_group(const PoPool *pool, const PoAdvisorQuery *query, const PoStatementForms *forms)
{
	/* Groups are sorted by cost, most of what is alike lies near. */
	for (int g = pool->ngroups - 1; g >= 0; g--)
	{
		const PoStatementGroup *group = &pool->groups[g];

		if (po_statement_forms_equal(group->forms, forms) &&
			fabs(query->cost - group->query->cost) <= MAX_COST_DIFFERENCE * group->query->cost)
			return g;
	}
	return -1;
}

/* Prices a statement of many joins as it will be priced with indexes. */
static void
price_large(PoAdvisorQuery *query)
{
	if (po_effort_is_reduced(query))
		query->cost = po_effort_plan(query, NIL, NULL, NULL);
}

/* Puts the statements into groups, in their order. */
static void
group_statements(PoolBuilder *builder, PoWorkload *workload)
{
	PoPool	   *pool = builder->pool;
	int			n = list_length(workload->queries);
	int			relations = 0;
	ListCell   *lc;

	pool->groups = palloc0(sizeof(PoStatementGroup) * (n + 1));
	pool->group_of = palloc0(sizeof(int) * (n + 1));
	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		PoStatementForms *forms = po_statement_forms_collect(builder->table, query);
		int			g = find_group(pool, query, forms);

		CHECK_FOR_INTERRUPTS();
		if (g < 0)
		{
			g = pool->ngroups++;
			pool->groups[g].query = query;
			pool->groups[g].forms = forms;
		}
		else
			pfree(forms);
		pool->groups[g].weight += pool->groups[g].query->cost > 0 ?
			query->weight * query->cost / pool->groups[g].query->cost : query->weight;
		pool->group_of[foreach_current_index(lc)] = g;
	}
	for (int g = 0; g < pool->ngroups; g++)
		relations += po_effort_relations(pool->groups[g].query);
	pool->brief = relations > MANY_RELATIONS;
}

/*
 * Finds the candidate indexes of a workload, on one table or (InvalidOid) on any, in
 * the current memory context; puts the workload's queries in order of their cost.
 * After the deadline (0: none) no further statements are looked at.
 */
PoPool *
po_pool_build(PoWorkload *workload, Oid relation, TimestampTz deadline)
{
	PoolBuilder builder = {palloc0(sizeof(PoPool)),
	po_statement_forms_create(workload->expressions, relation), NIL};
	PoPool	   *pool = builder.pool;
	double		total = total_cost(workload);
	ListCell   *lc;

	pool->table = builder.table;
	foreach(lc, workload->queries)
		price_large((PoAdvisorQuery *) lfirst(lc));
	list_sort(workload->queries, compare_queries);
	group_statements(&builder, workload);
	for (int g = 0; g < pool->ngroups; g++)
	{
		const PoStatementGroup *group = &pool->groups[g];

		if (deadline != 0 && GetCurrentTimestamp() >= deadline)
			break;
		if (group->weight * group->query->cost >= MIN_COST_SHARE * total)
			harvest(&builder, group->query, group->forms);
	}
	keep_merged(&builder);
	fill_candidates(&builder, workload);
	fill_relevance(&builder);
	return pool;
}
