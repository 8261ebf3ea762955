/*
 * statistics.c
 *	  Suggesting statistics that correct the planner's estimates.
 *
 * Where the planner is wrong about what the workload asks of a table, the statistics
 * that could help are built on a temporary copy of some rows, and the estimates with and
 * without them are compared with what the copy really holds.  A suggestion is what was
 * seen to help, the cheapest kind that does.
 *
 * The planner adds up its estimates of conditions over the partitions of a table, each
 * by what is known of it alone; only groups are estimated by what is known of the whole.
 * So a partitioned table gets statistics on itself or on each of its partitions.
 *
 * Statistics on expressions are computed by evaluating them.  That happens as the
 * caller, so conditions of other roles' statements count only as far as they call
 * nothing but the server's own functions.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "access/transam.h"
#include "advisor/clauses.h"
#include "advisor/sample_table.h"
#include "advisor/statistics.h"
#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "core/relname.h"
#include "core/setting.h"
#include "core/subtransaction.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/query.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"

/* An estimate that is wrong by less is no problem. */
#define MIN_MISESTIMATE 3.0

/* Statistics must make it better by this factor. */
#define MIN_GAIN 2.0

/* A cheaper kind is taken when it is worse than the best by no more than this factor. */
#define KIND_TOLERANCE 1.25

/* With unknown parameters, so many rows of the table lend their values. */
#define EXAMPLES 3

/* Sets of columns of one table that are tried at most. */
#define MAX_TRIALS 20

/* The target that is tried on a column whose common values are not all known. */
#define HIGH_TARGET 1000

/* One estimate that can be compared with what is. */
typedef struct Case
{
	char	   *from;			/* what follows the table's name, and stands
								 * for its own copy too */
	const PoAdvisorQuery *query;
	double		actual;			/* rows, of the copy */
	double		before;			/* rows that the planner expects of the copy */
} Case;

/* Everything that the workload asks about one set of columns of a table. */
typedef struct Topic
{
	Oid			relid;
	bool		grouping;
	List	   *subjects;
	char	   *columns;		/* them, as CREATE STATISTICS takes them */
	List	   *sets;			/* PoClauseSet */
	List	   *cases;			/* Case */
} Topic;

/* The advice for one table under way. */
typedef struct TableAdvice
{
	Oid			relid;
	List	   *topics;			/* Topic, of all tables */
	Bitmapset  *columns;		/* those that they are about */
	PoSampleTable *sample;
	MemoryContext memory;		/* of the result */
	List	   *advices;		/* PoStatisticsAdvice */
	List	   *names;			/* of statistics suggested so far */
	bool		stale;			/* an ANALYZE was suggested */
} TableAdvice;

/* A statement that is tried on the copy. */
typedef struct Trial
{
	const TableAdvice *table;
	const Topic *topic;
	const char *sql;
	double		sum;			/* of the logarithms of the misestimates then */
	double		worst;			/* the estimate of the case that was worst
								 * before */
} Trial;

/* Returns a node that refers to the table with varno 1 as SQL, names qualified. */
static char *
deparse(Oid relid, Node *node)
{
	int			guc_level = NewGUCNestLevel();
	char	   *text;

	po_setting_for_level("search_path", "pg_catalog");
	text = deparse_expression(node, deparse_context_for(get_rel_name(relid), relid), false, false);
	AtEOXact_GUC(false, guc_level);
	return text;
}

/* Returns what a topic is about as a list of columns and expressions in parentheses. */
static char *
list_columns(Oid relid, List *subjects)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, subjects)
	{
		Node	   *subject = (Node *) lfirst(lc);

		appendStringInfo(&list, IsA(subject, Var) ? "%s%s" : "%s(%s)", list.len > 0 ? ", " : "",
						 deparse(relid, subject));
	}
	return list.data;
}

/* Tells whether a function is not the server's own. */
static bool
is_foreign_function(Oid function, void *arg)
{
	return function >= FirstNormalObjectId;
}

/* Tells whether an expression calls a function that is not the server's own. */
static bool
calls_foreign(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_foreign_function, NULL))
		return true;
	return expression_tree_walker(node, calls_foreign, arg);
}

/* Tells whether the caller may read a table's rows as they are, and the statement's conditions may be evaluated as the caller. */
static bool
is_open(const PoClauseSet *set)
{
	if (pg_class_aclcheck(set->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		check_enable_rls(set->relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	return !OidIsValid(set->query->role) || set->query->role == GetUserId() ||
		!(calls_foreign((Node *) set->clauses, NULL) || calls_foreign((Node *) set->subjects, NULL));
}

/* Adds a set to the topic of its columns. */
static void
add_to_topic(List **topics, PoClauseSet *set)
{
	char	   *columns = list_columns(set->relid, set->subjects);
	Topic	   *topic;
	ListCell   *lc;

	foreach(lc, *topics)
	{
		topic = (Topic *) lfirst(lc);
		if (topic->relid == set->relid && topic->grouping == set->grouping &&
			list_difference(topic->subjects, set->subjects) == NIL &&
			list_length(topic->subjects) == list_length(set->subjects))
		{
			topic->sets = lappend(topic->sets, set);
			return;
		}
	}
	topic = palloc0(sizeof(Topic));
	topic->relid = set->relid;
	topic->grouping = set->grouping;
	topic->subjects = set->subjects;
	topic->columns = columns;
	topic->sets = list_make1(set);
	*topics = lappend(*topics, topic);
}

/* Returns the topics of a workload. */
static List *
collect_topics(const PoWorkload *workload, Oid relation)
{
	List	   *topics = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, workload->queries)
	{
		foreach(lc2, po_clauses_collect((const PoAdvisorQuery *) lfirst(lc)))
		{
			PoClauseSet *set = (PoClauseSet *) lfirst(lc2);

			CHECK_FOR_INTERRUPTS();
			if ((!OidIsValid(relation) || set->relid == relation) && is_open(set))
				add_to_topic(&topics, set);
		}
	}
	return topics;
}

/* Finds a parameter's value: what the statement was given, or an example; NULL when there is none. */
typedef struct Binding
{
	const PoStatement *statement;
	Const	  **examples;		/* by parameter number - 1 */
} Binding;

/* Puts values in the place of parameters. */
static Node *
bind_mutator(Node *node, void *arg)
{
	const Binding *binding = (const Binding *) arg;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		const Param *param = (const Param *) node;
		ParamListInfo params = binding->statement->params;

		if (params == NULL)
			return (Node *) binding->examples[param->paramid - 1];
		return (Node *) makeConst(param->paramtype, param->paramtypmod, param->paramcollid,
								  get_typlen(param->paramtype), params->params[param->paramid - 1].value,
								  params->params[param->paramid - 1].isnull, get_typbyval(param->paramtype));
	}
	return expression_tree_mutator(node, bind_mutator, arg);
}

/* Tells whether an expression has a parameter. */
static bool
has_param(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return true;
	return expression_tree_walker(node, has_param, arg);
}

/* Tells whether a condition compares a column with a parameter itself, by equality; fills both. */
static bool
is_open_equality(Node *clause, Node **subject, Param **param)
{
	Node	   *other;

	*subject = po_clauses_subject(clause, &other);
	if (!IsA(clause, OpExpr) || get_oprrest(((OpExpr *) clause)->opno) != F_EQSEL || other == NULL)
		return false;
	while (IsA(other, RelabelType))
		other = (Node *) ((RelabelType *) other)->arg;
	*param = (Param *) other;
	return IsA(other, Param);
}

/* Leaves out conditions on parameters whose values are unknown and cannot be borrowed from a row. */
static List *
usable_clauses(const PoClauseSet *set)
{
	List	   *result = NIL;
	ListCell   *lc;
	Node	   *subject;
	Param	   *param;

	if (set->query->statement->params != NULL)
		return set->clauses;
	foreach(lc, set->clauses)
	{
		Node	   *clause = (Node *) lfirst(lc);

		if (!has_param(clause, NULL) || is_open_equality(clause, &subject, &param))
			result = lappend(result, clause);
	}
	return result;
}

/*
 * Borrows values for the parameters of equalities from one row of the copy; false when
 * there is no row without nulls there.
 */
static bool
borrow_values(const TableAdvice *table, List *clauses, int example, Binding *binding)
{
	StringInfoData sql;
	List	   *params = NIL;
	char	  **values = palloc0(sizeof(char *) * (list_length(clauses) + 1));
	ListCell   *lc;
	Node	   *subject;
	Param	   *param;

	initStringInfo(&sql);
	foreach(lc, clauses)
	{
		if (!is_open_equality((Node *) lfirst(lc), &subject, &param))
			continue;
		appendStringInfo(&sql, "%s(%s)::pg_catalog.text", params == NIL ? "SELECT " : ", ",
						 deparse(table->relid, subject));
		params = lappend(params, param);
	}
	appendStringInfo(&sql, " FROM %s OFFSET %.0f LIMIT 1", table->sample->name,
					 floor(table->sample->rows * (2 * example + 1) / (2 * EXAMPLES)));
	if (!po_sample_table_fetch(sql.data, list_length(params), values))
		return false;
	foreach(lc, params)
	{
		Oid			input;
		Oid			ioparam;

		param = (Param *) lfirst(lc);
		getTypeInputInfo(param->paramtype, &input, &ioparam);
		binding->examples[param->paramid - 1] =
			makeConst(param->paramtype, -1, param->paramcollid, get_typlen(param->paramtype),
					  OidInputFunctionCall(input, values[foreach_current_index(lc)], ioparam, -1),
					  false, get_typbyval(param->paramtype));
	}
	return true;
}

/* Adds a case to a topic: what follows the table's name. */
static void
add_case(Topic *topic, const PoAdvisorQuery *query, char *from)
{
	Case	   *entry;
	ListCell   *lc;

	foreach(lc, topic->cases)
	{
		if (strcmp(((const Case *) lfirst(lc))->from, from) == 0)
			return;
	}
	entry = palloc0(sizeof(Case));
	entry->from = from;
	entry->query = query;
	topic->cases = lappend(topic->cases, entry);
}

/* Makes the cases of one set of conditions. */
static void
make_condition_cases(const TableAdvice *table, Topic *topic, const PoClauseSet *set)
{
	List	   *clauses = usable_clauses(set);
	bool		borrows = set->query->statement->params == NULL && has_param((Node *) clauses, NULL);
	Binding		binding = {set->query->statement, NULL};

	if (clauses == NIL)
		return;
	binding.examples = palloc0(sizeof(Const *) * Max(set->query->statement->nparams, 1));
	for (int i = 0; i < (borrows ? EXAMPLES : 1); i++)
	{
		Node	   *bound;

		if (borrows && !borrow_values(table, clauses, i, &binding))
			continue;
		bound = bind_mutator((Node *) make_ands_explicit(copyObject(clauses)), &binding);
		add_case(topic, set->query, psprintf("WHERE %s", deparse(topic->relid, bound)));
	}
}

/* Makes the cases of a topic. */
static void
make_cases(const TableAdvice *table, Topic *topic)
{
	ListCell   *lc;

	foreach(lc, topic->sets)
	{
		const PoClauseSet *set = (const PoClauseSet *) lfirst(lc);

		if (topic->grouping)
			add_case(topic, set->query, psprintf("GROUP BY %s", topic->columns));
		else
			make_condition_cases(table, topic, set);
	}
}

/* Returns how many times an estimate is too high or too low. */
static double
factor(double estimate, double actual)
{
	estimate = Max(estimate, 1);
	actual = Max(actual, 1);
	return Max(estimate / actual, actual / estimate);
}

/* Returns the planner's estimate of a case, of the copy or, as its role, of the table itself. */
static double
estimate_case(const char *name, const Case *entry, bool as_role)
{
	char	   *sql = psprintf("SELECT FROM %s %s", name, entry->from);
	PoRoleScope scope;
	double		rows;

	if (!as_role)
		return po_sample_table_estimate(sql);
	po_workload_enter_role(entry->query, &scope);
	rows = po_sample_table_estimate(sql);
	po_workload_leave_role(&scope);
	return rows;
}

/* Counts what is really there, and what the planner expects of the copy. */
static void
count_cases(const TableAdvice *table, Topic *topic)
{
	ListCell   *lc;

	foreach(lc, topic->cases)
	{
		Case	   *entry = (Case *) lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		entry->actual = po_sample_table_count(
											  psprintf("SELECT pg_catalog.count(*) FROM (SELECT FROM %s %s) q", table->sample->name, entry->from));
		entry->before = estimate_case(table->sample->name, entry, false);
	}
}

/* Returns the geometric mean of the misestimates of a topic's copy as things are. */
static double
misestimate_before(const Topic *topic)
{
	double		sum = 0;
	ListCell   *lc;

	foreach(lc, topic->cases)
		sum += log(factor(((const Case *) lfirst(lc))->before, ((const Case *) lfirst(lc))->actual));
	return exp(sum / list_length(topic->cases));
}

/* Returns the mean misestimate of the table itself, its estimates scaled to the size of the copy. */
static double
misestimate_real(const TableAdvice *table, const Topic *topic)
{
	char	   *name = po_relname_qualified(topic->relid);
	const Case	all = {.from = "",.query = ((const Case *) linitial(topic->cases))->query};
	double		rows = estimate_case(name, &all, true);
	double		sum = 0;
	ListCell   *lc;

	foreach(lc, topic->cases)
	{
		const Case *entry = (const Case *) lfirst(lc);
		double		expected = estimate_case(name, entry, true);

		/* Groups do not multiply with the rows. */
		sum += log(factor(topic->grouping ? Min(expected, table->sample->rows)
						  : expected / Max(rows, 1) * table->sample->rows, entry->actual));
	}
	return exp(sum / list_length(topic->cases));
}

/* Runs a statement on the copy, analyzes that, and compares the estimates then with what is. */
static void
attempt(void *arg)
{
	Trial	   *trial = (Trial *) arg;
	const char *copy = trial->table->sample->name;
	double		most = 0;
	ListCell   *lc;

	po_sample_table_execute(trial->sql);
	po_sample_table_execute(psprintf("ANALYZE %s", copy));
	foreach(lc, trial->topic->cases)
	{
		const Case *entry = (const Case *) lfirst(lc);
		double		after = estimate_case(copy, entry, false);

		trial->sum += log(factor(after, entry->actual));
		if (factor(entry->before, entry->actual) > most)
		{
			most = factor(entry->before, entry->actual);
			trial->worst = after;
		}
	}
}

/*
 * Runs a statement on the copy, analyzes it and returns the mean misestimate then;
 * everything is undone.  worst gets the estimate of the case that was worst before.
 */
static double
try_statement(const TableAdvice *table, const Topic *topic, const char *sql, double *worst)
{
	Trial		trial = {table, topic, sql, 0, *worst};
	ErrorData  *error = po_subtransaction_undo(attempt, &trial);

	if (error != NULL)
		ReThrowError(error);
	*worst = trial.worst;
	return exp(trial.sum / list_length(topic->cases));
}

/* Returns a name for statistics on a table that none in its schema has. */
static char *
choose_name(TableAdvice *table, const Topic *topic, Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	StringInfoData columns;
	ListCell   *lc;
	char	   *name;

	initStringInfo(&columns);
	foreach(lc, topic->subjects)
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? "_" : "",
						 IsA(lfirst(lc), Var) ? get_attname(topic->relid, ((Var *) lfirst(lc))->varattno, false) : "expr");
	for (int i = 0;; i++)
	{
		name = makeObjectName(get_rel_name(relid), columns.data, i == 0 ? "stat" : psprintf("stat%d", i));
		if (!list_member(table->names, makeString(name)) &&
			!OidIsValid(get_statistics_object_oid(list_make2(makeString(get_namespace_name(schema)), makeString(name)), true)))
			break;
	}
	table->names = lappend(table->names, makeString(name));
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* Writes the statement that makes extended statistics, or one for each partition where the planner wants them there. */
static char *
define_extended(TableAdvice *table, const Topic *topic, const char *kinds)
{
	List	   *relids = table->sample->parts != NIL && !topic->grouping ? table->sample->parts : list_make1_oid(topic->relid);
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, relids)
		appendStringInfo(&sql, "%sCREATE STATISTICS %s %sON %s FROM %s", sql.len > 0 ? "; " : "",
						 choose_name(table, topic, lfirst_oid(lc)), kinds, topic->columns, po_relname_qualified(lfirst_oid(lc)));
	return sql.data;
}

/* Says what else there is to know of statistics on a partitioned table; "" for a plain one. */
static char *
partition_note(const TableAdvice *table, const Topic *topic)
{
	if (table->sample->parts == NIL)
		return "";
	return psprintf("%s Autovacuum does not analyze partitioned tables: run ANALYZE %s after, and from time to time.",
					topic->grouping ? "" : " The planner judges conditions by the statistics of each partition: one to come needs its own.",
					po_relname_qualified(topic->relid));
}

/* Adds a suggestion, in the memory of the result. */
static void
add_advice(TableAdvice *table, char *definition, double before, double after, char *reason)
{
	MemoryContext old = MemoryContextSwitchTo(table->memory);
	PoStatisticsAdvice *advice = palloc0(sizeof(PoStatisticsAdvice));

	advice->relid = table->relid;
	advice->definition = pstrdup(definition);
	advice->before = before;
	advice->after = after;
	advice->reason = pstrdup(reason);
	table->advices = lappend(table->advices, advice);
	MemoryContextSwitchTo(old);
}

/* Says what is wrong and what it becomes, in the numbers of the case that was worst. */
static char *
write_reason(const TableAdvice *table, const Topic *topic, double after, const char *why)
{
	const Case *worst = NULL;
	ListCell   *lc;

	foreach(lc, topic->cases)
	{
		const Case *entry = (const Case *) lfirst(lc);

		if (worst == NULL || factor(entry->before, entry->actual) > factor(worst->before, worst->actual))
			worst = entry;
	}
	return psprintf("%s: of %s%.0f rows the planner expects %s \"%s\" to give %.0f, it gives %.0f; with the statistics the planner expects %.0f.",
					why, table->sample->whole ? "" : "a sample of ", table->sample->rows,
					topic->grouping ? "the grouping" : "the condition", worst->from, Max(worst->before, 1),
					worst->actual, Max(after, 1));
}

/* One way to correct the estimates of a topic. */
typedef struct Remedy
{
	const char *kinds;			/* of extended statistics, in parentheses; ""
								 * for one expression */
	double		after;
	double		worst;
} Remedy;

/* Tries extended statistics of several kinds; returns the cheapest that is about as good as the best. */
static Remedy
try_kinds(const TableAdvice *table, const Topic *topic)
{
	static const char *const of_conditions[] = {"(dependencies) ", "(mcv) ", "(dependencies, mcv) "};
	static const char *const of_groupings[] = {"(ndistinct) "};
	static const char *const of_expression[] = {""};
	bool		single = list_length(topic->subjects) == 1;
	const char *const *kinds = single ? of_expression : topic->grouping ? of_groupings : of_conditions;
	int			n = single || topic->grouping ? 1 : lengthof(of_conditions);
	Remedy		tried[lengthof(of_conditions)];
	int			best = 0;

	for (int i = 0; i < n; i++)
	{
		tried[i].kinds = kinds[i];
		tried[i].after = try_statement(table, topic,
									   psprintf("CREATE STATISTICS pg_temp.perf_optimizer_trial %sON %s FROM %s",
												kinds[i], topic->columns, table->sample->name),
									   &tried[i].worst);
		if (tried[i].after < tried[best].after)
			best = i;
	}
	for (int i = 0; i < n; i++)
	{
		if (tried[i].after <= tried[best].after * KIND_TOLERANCE)
			return tried[i];
	}
	return tried[best];
}

/* Suggests extended statistics if they help. */
static void
suggest_extended(TableAdvice *table, const Topic *topic, double before)
{
	Remedy		remedy = try_kinds(table, topic);
	const char *why = topic->grouping ? "The columns have fewer combinations than if they were independent"
	: list_length(topic->subjects) == 1 ? "Nothing is known about the expression's values"
	: "The conditions depend on each other";

	if (remedy.after * MIN_GAIN > before)
		return;
	add_advice(table, define_extended(table, topic, remedy.kinds), before, remedy.after,
			   psprintf("%s%s", write_reason(table, topic, remedy.worst, why), partition_note(table, topic)));
}

/* Suggests a higher statistics target for a column if it helps. */
static void
suggest_target(TableAdvice *table, const Topic *topic, double before)
{
	double		worst = 0;
	double		after = try_statement(table, topic,
									  psprintf("ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %d",
											   table->sample->name, topic->columns, HIGH_TARGET), &worst);

	if (after * MIN_GAIN > before)
		return;
	add_advice(table, psprintf("ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %d",
							   po_relname_qualified(topic->relid), topic->columns, HIGH_TARGET),
			   before, after,
			   write_reason(table, topic, worst, "The list of the column's most common values is too short (ANALYZE after)"));
}

/* Looks at one topic: is the planner wrong, are its statistics old, or are some missing? */
static void
advise_topic(TableAdvice *table, Topic *topic)
{
	double		before;
	double		real;

	make_cases(table, topic);
	if (topic->cases == NIL)
		return;
	count_cases(table, topic);
	real = misestimate_real(table, topic);
	if (real < MIN_MISESTIMATE)
		return;
	before = misestimate_before(topic);
	if (before * MIN_GAIN <= real && before < MIN_MISESTIMATE)
	{
		if (!table->stale)
			add_advice(table, psprintf("ANALYZE %s", po_relname_qualified(topic->relid)), real, before,
					   psprintf("The statistics of the table are old or missing: with new ones the estimate of \"%s\" is wrong by a factor of %.1f only.",
								((const Case *) linitial(topic->cases))->from, before));
		table->stale = true;
		return;
	}
	if (before < MIN_MISESTIMATE)
		return;
	if (list_length(topic->subjects) == 1 && IsA(linitial(topic->subjects), Var))
		suggest_target(table, topic, before);
	else
		suggest_extended(table, topic, before);
}

/* Returns the columns that topics of a table use; empty when one of them is stored nowhere. */
static Bitmapset *
used_columns(List *topics, Oid relid)
{
	Bitmapset  *offset = NULL;
	Bitmapset  *columns = NULL;
	ListCell   *lc;
	ListCell   *lc2;
	int			member = -1;

	foreach(lc, topics)
	{
		Topic	   *topic = (Topic *) lfirst(lc);

		if (topic->relid != relid)
			continue;
		foreach(lc2, topic->sets)
		{
			pull_varattnos((Node *) ((PoClauseSet *) lfirst(lc2))->clauses, 1, &offset);
			pull_varattnos((Node *) ((PoClauseSet *) lfirst(lc2))->subjects, 1, &offset);
		}
	}
	while ((member = bms_next_member(offset, member)) >= 0)
	{
		if (member + FirstLowInvalidHeapAttributeNumber > 0)
			columns = bms_add_member(columns, member + FirstLowInvalidHeapAttributeNumber);
	}
	return columns;
}

/* Copies a sample of the table and looks at all topics of it. */
static void
advise_on_copy(void *arg)
{
	TableAdvice *table = (TableAdvice *) arg;
	int			trials = 0;
	ListCell   *lc;

	table->sample = po_sample_table_create(table->relid, table->columns);
	foreach(lc, table->topics)
	{
		Topic	   *topic = (Topic *) lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (topic->relid == table->relid && table->sample->rows > 0 && trials++ < MAX_TRIALS)
			advise_topic(table, topic);
	}
}

/* Looks at all topics of one table; the copy of it does not stay. */
static List *
advise_table(List *topics, Oid relid)
{
	TableAdvice table = {.relid = relid,.topics = topics,.memory = CurrentMemoryContext};
	MemoryContext scratch;
	ErrorData  *error;

	table.columns = used_columns(topics, relid);
	if (bms_is_empty(table.columns))
		return NIL;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer statistics", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);
	error = po_subtransaction_undo(advise_on_copy, &table);
	MemoryContextSwitchTo(table.memory);
	if (error != NULL)
		ReThrowError(error);
	MemoryContextDelete(scratch);
	return table.advices;
}

/* Orders suggestions by what they correct, the most first. */
static int
compare_gain(const ListCell *a, const ListCell *b)
{
	const PoStatisticsAdvice *x = (const PoStatisticsAdvice *) lfirst(a);
	const PoStatisticsAdvice *y = (const PoStatisticsAdvice *) lfirst(b);
	double		gain_x = x->before / x->after;
	double		gain_y = y->before / y->after;

	return gain_x > gain_y ? -1 : gain_x < gain_y ? 1 : strcmp(x->definition, y->definition);
}

/*
 * Suggests statistics for a workload, on one table or on all (InvalidOid): a list of
 * PoStatisticsAdvice in the current memory context, the best first.  Makes temporary
 * tables in subtransactions that are rolled back.
 */
List *
po_statistics_suggest(const PoWorkload *workload, Oid relation)
{
	List	   *topics = collect_topics(workload, relation);
	List	   *done = NIL;
	List	   *advices = NIL;
	ListCell   *lc;

	foreach(lc, topics)
	{
		Oid			relid = ((Topic *) lfirst(lc))->relid;

		if (list_member_oid(done, relid))
			continue;
		done = lappend_oid(done, relid);
		advices = list_concat(advices, advise_table(topics, relid));
	}
	list_sort(advices, compare_gain);
	return advices;
}
