/*
 * compose.c
 *	  Queries made of nodes, and running them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/compat.h"
#include "executor/executor.h"
#include "matview/compose.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"

#include "parser/parse_relation.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Returns a range table entry for a relation that is open and locked, read
 * without a check of rights: what reads it has been checked or is ours.
 */
RangeTblEntry *
po_compose_table_entry(Relation rel)
{
	RangeTblEntry *rte = addRangeTableEntryForRelation(make_parsestate(NULL), rel, AccessShareLock, NULL,
													   false, true)->p_rte;

	PO_CLEAR_PERMISSIONS(rte);
	return rte;
}

/* Returns a range table entry of a subquery, with the column names of its target list. */
RangeTblEntry *
po_compose_subquery_entry(Query *query)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	ListCell   *cell;

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->eref = makeAlias("rows", NIL);
	rte->inFromCl = true;
	foreach(cell, query->targetList)
		rte->eref->colnames = lappend(rte->eref->colnames,
									  makeString(pstrdup(lfirst_node(TargetEntry, cell)->resname)));
	return rte;
}

/* Returns a range table entry for rows in memory, by their name in environment. */
RangeTblEntry *
po_compose_rows_entry(QueryEnvironment *environment, const char *name)
{
	ParseState *state = make_parsestate(NULL);

	state->p_queryEnv = environment;
	return addRangeTableEntryForENR(state, makeRangeVar(NULL, pstrdup(name), -1), true)->p_rte;
}

/* Returns a NULL for a column of a relation. */
Expr *
po_compose_null_column(Form_pg_attribute att)
{
	if (att->attisdropped)
		return (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
	return (Expr *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
}

/* Turns a relation's entry into a subquery in its place; columns keep their numbers. */
void
po_compose_replace_entry(RangeTblEntry *rte, Query *subquery)
{
	RangeTblEntry *replacement = po_compose_subquery_entry(subquery);

	replacement->alias = rte->alias;
	replacement->eref = rte->eref;
	memcpy(rte, replacement, sizeof(RangeTblEntry));
}

/*
 * Returns a SELECT of target_list from all entries of rtable where condition
 * holds; its relations are read without a check of rights.
 */
Query *
po_compose_select(List *rtable, List *target_list, Node *condition)
{
	Query	   *query = makeNode(Query);
	List	   *from = NIL;

	for (int i = 1; i <= list_length(rtable); i++)
	{
		RangeTblRef *ref = makeNode(RangeTblRef);
		RangeTblEntry *rte = list_nth(rtable, i - 1);

		ref->rtindex = i;
		from = lappend(from, ref);
		if (rte->rtekind == RTE_RELATION)
			PO_ADD_PERMISSIONS(query, rte);
	}
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = rtable;
	query->jointree = makeFromExpr(from, condition);
	query->targetList = target_list;
	return query;
}

/* Parses and analyses one statement of ours, whose names are qualified. */
Query *
po_compose_parse(const char *text, QueryEnvironment *environment)
{
	RawStmt    *raw = linitial_node(RawStmt, pg_parse_query(text));

	return parse_analyze_fixedparams(raw, text, NULL, 0, environment);
}

/* Gives rows a name in an environment. */
void
po_compose_add_rows(QueryEnvironment *environment, const char *name, PoComposeRows *rows)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = pstrdup(name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = rows->desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = (double) rows->count;
	relation->reldata = rows->store;
	register_ENR(environment, relation);
}

/* Returns an environment in which rows have a name. */
QueryEnvironment *
po_compose_environment(const char *name, PoComposeRows *rows)
{
	QueryEnvironment *environment = create_queryEnv();

	po_compose_add_rows(environment, name, rows);
	return environment;
}

/*
 * Plans and runs a query, which the planner may change, with the active
 * snapshot; the rows go to dest.
 */
void
po_compose_run(Query *query, const char *text, QueryEnvironment *environment, DestReceiver *dest)
{
	PlannedStmt *plan = PO_PLAN_QUERY(query, text, CURSOR_OPT_PARALLEL_OK, NULL);
	QueryDesc  *desc = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot,
									   dest, NULL, environment, 0);

	ExecutorStart(desc, 0);
	PO_EXECUTOR_RUN(desc, 0);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
}
