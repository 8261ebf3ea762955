/*
 * facts.c
 *	  What the catalogs and the statistics know of the tables in a plan.
 *
 * The relations are locked by the statement's analysis, so they cannot go away.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "core/compat.h"
#include "core/relname.h"
#include "explain/finding.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "postmaster/autovacuum.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/* A table that is larger by this factor than when it was analyzed has grown. */
#define GROWN_FACTOR 1.05

/* Tells whether any column of the relation has statistics. */
static bool
has_statistics(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);

	for (int i = 1; i <= RelationGetNumberOfAttributes(relation); i++)
		if (SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(i),
								  BoolGetDatum(false)) ||
			SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(i),
								  BoolGetDatum(true)))
			return true;
	return false;
}

/* Returns the number of changed rows from which on autovacuum analyzes the relation. */
static double
analyze_limit(Relation relation, double tuples)
{
	double		threshold = autovacuum_anl_thresh;
	double		scale = autovacuum_anl_scale;

	if (relation->rd_options != NULL && relation->rd_rel->relkind == RELKIND_RELATION)
	{
		AutoVacOpts *options = &((StdRdOptions *) relation->rd_options)->autovacuum;

		if (options->analyze_threshold >= 0)
			threshold = options->analyze_threshold;
		if (options->analyze_scale_factor >= 0)
			scale = options->analyze_scale_factor;
	}
	return threshold + scale * Max(tuples, 0);
}

/* Returns how many pages hold values of a relation that are stored out of line. */
double
po_facts_toast_pages(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Oid			toastid = relation->rd_rel->reltoastrelid;
	double		pages = 0;

	if (OidIsValid(toastid))
	{
		Relation	toast = table_open(toastid, AccessShareLock);

		pages = RelationGetNumberOfBlocks(toast);
		table_close(toast, AccessShareLock);
	}
	table_close(relation, AccessShareLock);
	return pages;
}

/* Fills in sizes; a table that was never vacuumed or analyzed is measured now. */
static void
fill_sizes(PoFacts *facts, Relation relation)
{
	double		visible;

	facts->pages = relation->rd_rel->relpages;
	facts->tuples = relation->rd_rel->reltuples;
	facts->all_visible = relation->rd_rel->relallvisible;
	facts->fillfactor = relation->rd_rel->relkind == RELKIND_RELATION ||
		relation->rd_rel->relkind == RELKIND_MATVIEW ?
		RelationGetFillFactor(relation, HEAP_DEFAULT_FILLFACTOR) / 100.0 : 1;
	if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind))
	{
		BlockNumber pages;
		double		tuples;

		estimate_rel_size(relation, NULL, &pages, &tuples, &visible);
		facts->pages = pages;
		facts->tuples = tuples;
	}
	facts->tuples = Max(facts->tuples, 0);
}

/*
 * Tells whether the relation changed much since it was last analyzed.  Rows inserted
 * just before are counted just after, because counters are sent late: such a count
 * is believed only when the table grew, or when rows were updated or deleted.
 */
static bool
has_changed(Relation relation, const PoFacts *facts, const PgStat_StatTabEntry *counts)
{
	double		rewritten;

	if (facts->modified <= facts->modified_limit)
		return false;
	rewritten = (double) counts->tuples_updated + (double) counts->tuples_deleted;
	return rewritten > facts->modified_limit || !RELKIND_HAS_STORAGE(relation->rd_rel->relkind) ||
		RelationGetNumberOfBlocks(relation) > relation->rd_rel->relpages * GROWN_FACTOR;
}

/*
 * Returns the counters of a relation, palloc'd or in the session's snapshot; NULL for none.
 * Reads them as they are now: for a first value in a transaction the server would set up
 * a cache for 512 tables, which costs more than planning a simple statement.
 */
static const PgStat_StatTabEntry *
fetch_counts(Oid relid)
{
	int			setting = pgstat_fetch_consistency;
	const PgStat_StatTabEntry *counts = NULL;

	if (setting == PGSTAT_FETCH_CONSISTENCY_CACHE)
		pgstat_fetch_consistency = PGSTAT_FETCH_CONSISTENCY_NONE;
	PG_TRY();
	{
		counts = pgstat_fetch_stat_tabentry(relid);
	}
	PG_FINALLY();
	{
		pgstat_fetch_consistency = setting;
	}
	PG_END_TRY();
	return counts;
}

/* Reads the facts of one relation. */
static PoFacts *
read_facts(Oid relid)
{
	PoFacts    *facts = palloc0(sizeof(PoFacts));
	Relation	relation = table_open(relid, AccessShareLock);
	const PgStat_StatTabEntry *counts = fetch_counts(relid);

	facts->relid = relid;
	facts->name = po_relname_qualified(relid);
	facts->root = relation->rd_rel->relispartition ? InvalidOid : relid;
	fill_sizes(facts, relation);
	facts->analyzed = has_statistics(relation);
	facts->modified = counts != NULL ? (double) PO_MODIFIED_SINCE_ANALYZE(counts) : 0;
	facts->modified_limit = analyze_limit(relation, relation->rd_rel->reltuples);
	facts->changed = has_changed(relation, facts, counts);
	table_close(relation, AccessShareLock);
	return facts;
}

/* Returns the number of leaf partitions beneath a partitioned table. */
int
po_facts_partitions(Oid root)
{
	int			leaves = 0;
	List	   *children = find_all_inheritors(root, NoLock, NULL);
	ListCell   *lc;

	foreach(lc, children)
		leaves += get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE;
	list_free(children);
	return leaves;
}

/* Returns the key of a partitioned table as it is declared, RANGE ("timestamp") say. */
char *
po_facts_partition_key(Oid root)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_get_partkeydef, ObjectIdGetDatum(root)));
}

/*
 * Tells whether the user may know what the statistics say of a table: he may read all
 * of it, not only through a view of somebody else or past row security.
 */
bool
po_facts_may_read(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/* Returns the topmost partitioned table above a relation, or the relation itself. */
Oid
po_facts_root(PoAnalysis *analysis, Oid relid)
{
	PoFacts    *facts = po_facts_get(analysis, relid);

	if (!OidIsValid(facts->root))
		facts->root = llast_oid(get_partition_ancestors(relid));
	return facts->root;
}

/* Returns the facts of a relation, read once in an analysis; NULL for InvalidOid. */
PoFacts *
po_facts_get(PoAnalysis *analysis, Oid relid)
{
	ListCell   *lc;
	PoFacts    *facts;

	if (!OidIsValid(relid))
		return NULL;
	foreach(lc, analysis->facts)
	{
		facts = lfirst(lc);
		if (facts->relid == relid)
			return facts;
	}
	facts = read_facts(relid);
	analysis->facts = lappend(analysis->facts, facts);
	return facts;
}
