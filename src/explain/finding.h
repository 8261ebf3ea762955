/*
 * finding.h
 *	  Findings about a plan, and the analysis that gathers them.
 */
#ifndef PO_FINDING_H
#define PO_FINDING_H

#include "core/json.h"
#include "plan/node.h"
#include "plan/proof.h"
#include "plan/query.h"

/* Most severe first. */
typedef enum PoSeverity
{
	PO_SEVERITY_HIGH,
	PO_SEVERITY_MEDIUM,
	PO_SEVERITY_LOW,
	PO_SEVERITY_INFO
} PoSeverity;

typedef struct PoFinding
{
	const char *rule;
	PoSeverity	severity;
	double		share;			/* of the statement's time or cost, 0 to 1 */
	int			node_id;		/* 0: the statement as a whole */
	Oid			relid;
	char	   *message;		/* the fact, one sentence */
	char	   *advice;			/* what to do, one sentence */
	char	   *suggested_sql;	/* NULL: no statement cures it */
	Jsonb	   *evidence;
} PoFinding;

/* What the catalogs and the statistics know of a table. */
typedef struct PoFacts
{
	Oid			relid;
	Oid			root;			/* read it by po_facts_root */
	char	   *name;			/* schema-qualified and quoted */
	double		pages;			/* at its last vacuum or analyze, or now if
								 * never */
	double		tuples;
	double		all_visible;	/* pages */
	double		fillfactor;		/* 0 to 1 */
	bool		analyzed;		/* there are statistics of its columns */
	double		modified;		/* rows changed since the last analyze */
	double		modified_limit; /* from which on autovacuum analyzes it */
	bool		changed;		/* so much that it was to be analyzed */
	bool		tried;			/* an index was looked for */
	bool		proven;			/* and found */
	PoProof		proof;
} PoFacts;

struct PoFindingRule;

/* One statement under analysis. */
typedef struct PoAnalysis
{
	PoStatement *statement;		/* NULL for a pasted plan */
	PoPlanTree *tree;
	double		planning_ms;	/* negative: unknown */
	List	   *switches_off;	/* of a pasted plan: names of planner settings
								 * (char *) */
	int			work_mem_kb;	/* of a pasted plan, 0: unknown */
	bool		other_costs;	/* of a pasted plan: made with cost settings
								 * of its own */
	List	   *facts;			/* PoFacts read so far */
	List	  **predicates;		/* PoPredicate of each node's filter, NIL: not
								 * read; NULL: none was read */
	List	   *findings;		/* PoFinding */
	int			proofs;			/* indexes tried out so far */
	const struct PoFindingRule *rule;	/* the one that runs */
} PoAnalysis;

/* What the scans of one kind on a table and its partitions read. */
typedef struct PoScanSums
{
	double		scanned;
	double		kept;
	double		removed;		/* by filters, measured */
	double		table_rows;		/* of the tables: 0 for a pasted plan */
	double		table_pages;
} PoScanSums;

/* A finding under construction: evidence is open as an object. */
typedef struct PoFindingDraft
{
	PoFinding  *finding;
	PoJson		evidence;
} PoFindingDraft;

/* One row of the rule table. */
typedef struct PoFindingRule
{
	const char *name;
	bool		needs_execution;
	bool		needs_plan;		/* reads the server's plan nodes, not ours
								 * alone */
	bool		only_pasted;	/* reads what a pasted plan shows instead */
	void		(*check_node) (PoAnalysis *analysis, const PoNode *node);	/* for each node */
	void		(*check_statement) (PoAnalysis *analysis);	/* once */
} PoFindingRule;

extern void po_finding_run(PoAnalysis *analysis, const PoFindingRule *rules, int n);
extern PoFindingDraft po_finding_begin(PoAnalysis *analysis, const PoNode *node, double share);
extern void po_finding_end(PoAnalysis *analysis, PoFindingDraft *draft);
extern double po_finding_share(const PoAnalysis *analysis, const PoNode *node);
extern double po_finding_subtree_share(const PoAnalysis *analysis, const PoNode *node);
extern const char *po_finding_severity_name(PoSeverity severity);
extern char *po_finding_label(const PoNode *node);
extern double po_finding_rows(const PoAnalysis *analysis, const PoNode *node);
extern bool po_finding_continues_table(PoAnalysis *analysis, const PoNode *node);
extern PoScanSums po_finding_scan_sums(PoAnalysis *analysis, const PoNode *node);
extern bool po_finding_stops_early(const PoAnalysis *analysis, const PoNode *node);
extern bool po_finding_repeats(PoAnalysis *analysis, Oid relid);
extern double po_finding_relation_share(PoAnalysis *analysis, const PoNode *node);
extern Oid	po_facts_root(PoAnalysis *analysis, Oid relid);
extern bool po_facts_may_read(Oid relid);
extern double po_facts_toast_pages(Oid relid);
extern int	po_facts_partitions(Oid root);
extern char *po_facts_partition_key(Oid root);
extern PoFacts *po_facts_get(PoAnalysis *analysis, Oid relid);

#endif							/* PO_FINDING_H */
