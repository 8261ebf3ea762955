/*
 * build.h
 *	  Queries made of nodes, and running them.
 */
#ifndef PO_BUILD_H
#define PO_BUILD_H

#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/queryenvironment.h"
#include "utils/relcache.h"
#include "utils/tuplestore.h"

/* Rows in memory that queries can read. */
typedef struct PoBuildRows
{
	Tuplestorestate *store;
	TupleDesc	desc;
	int64		count;
} PoBuildRows;

extern RangeTblEntry *po_build_table_entry(Relation rel);
extern RangeTblEntry *po_build_subquery_entry(Query *query);
extern RangeTblEntry *po_build_rows_entry(QueryEnvironment *environment, const char *name);
extern Query *po_build_select(List *rtable, List *target_list, Node *condition);
extern Query *po_build_parse(const char *text, QueryEnvironment *environment);
extern QueryEnvironment *po_build_environment(const char *name, PoBuildRows *rows);
extern void po_build_run(Query *query, const char *text, QueryEnvironment *environment, DestReceiver *dest);

#endif							/* PO_BUILD_H */
