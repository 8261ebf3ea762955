/*
 * query.h
 *	  Query text to analysed queries to plans.
 */
#ifndef PO_QUERY_H
#define PO_QUERY_H

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"

/* Where the values come from that a plan was made for. */
typedef enum PoPlanSource
{
	PO_SOURCE_LITERAL,			/* the text has no parameters */
	PO_SOURCE_PARAMS,			/* values given by the caller */
	PO_SOURCE_SAMPLE,			/* a captured execution's own text or values */
	PO_SOURCE_TYPED_GENERIC,	/* no values, types known from elsewhere */
	PO_SOURCE_GENERIC			/* no values, types inferred from the text */
} PoPlanSource;

/* What is known of a statement's parameters before it is parsed; zeroed means nothing. */
typedef struct PoParams
{
	int			nvalues;		/* -1: no values are given */
	char	  **values;			/* in text form; a NULL pointer is SQL NULL */
	int			ntypes;
	Oid		   *types;			/* InvalidOid: to be inferred */
	bool		sample;			/* the text or the values were captured */
} PoParams;

/* One statement: its text, its analysed and rewritten queries, and its plans once it was planned. */
typedef struct PoStatement
{
	const char *text;
	PoPlanSource source;
	int64		queryid;
	int			cursor_options;
	List	   *queries;		/* Query, after rewriting; NIL if it rewrites
								 * to nothing */
	Query	   *query;			/* the one that sets the result; NULL with NIL */
	int			nparams;
	Oid		   *param_types;
	ParamListInfo params;		/* NULL without values */
	bool		permitted;		/* permissions were checked */
	bool		star;			/* its text is SELECT * */

	/* set by po_query_plan */
	List	   *plans;			/* PlannedStmt, one for each plannable query */
	PlannedStmt *plan;			/* of query */
	double		planning_ms;
} PoStatement;

extern PoStatement *po_query_parse(const char *text, const PoParams *params);
extern PoStatement *po_query_try(const char *text, const PoParams *params);
extern PlannedStmt *po_query_plan(PoStatement *statement);
extern double po_query_cost(PoStatement *statement);
extern double po_query_total_cost(List *plans);
extern const char *po_query_source_name(PoPlanSource source);

#endif							/* PO_QUERY_H */
