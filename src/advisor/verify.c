/*
 * verify.c
 *	  Whether an index helps the statements that it was suggested for, by running them.
 *
 * Only what changes nothing is executed: a SELECT without volatile functions, locks and
 * data-changing CTEs, whose parameters all have values, in a read-only transaction and
 * as the role that it belongs to.  Everything else is priced by the planner.
 */
#include "postgres.h"

#include <math.h>

#include "advisor/text.h"
#include "advisor/verify.h"
#include "advisor/writes.h"
#include "core/compat.h"
#include "core/json.h"
#include "core/subtransaction.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "plan/hypo_parse.h"
#include "plan/whatif.h"
#include "portability/instr_time.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

/* A statement that is to be measured, before the index is there or after. */
typedef struct Measurement
{
	PoVerified *entry;
	int			when;
} Measurement;

/* Most statements that are executed; those beyond cost the least and are priced. */
#define MAX_RUNNING 50

/* A statement runs once to warm caches and then so often; the fastest counts. */
#define MEASURED_RUNS 3

/* A statement that takes longer is not executed again, but priced. */
#define STATEMENT_LIMIT_MS 60000

/* A statement that takes so long is not repeated. */
#define LONG_RUN_MS 5000

/* An index pays when it saves more than this share of its statements' time. */
#define MIN_SAVING 0.01

/* A statement has got slower when its time rose by more than this share, and more than noise. */
#define SLOWER_SHARE 0.1
#define SLOWER_MS 1.0

/* Says why a statement cannot be executed for a measurement; NULL when it can. */
static const char *
why_not_run(const PoStatement *statement)
{
	const Query *query = statement->query;

	if (query == NULL || list_length(statement->queries) != 1 || query->commandType != CMD_SELECT)
		return "it changes data";
	if (query->hasModifyingCTE)
		return "a CTE of it changes data";
	if (query->hasForUpdate || query->rowMarks != NIL)
		return "it locks rows";
	if (statement->nparams > 0 && statement->params == NULL)
		return "the values of its parameters are not known";
	if (contain_volatile_functions(unconstify(Node *, (const Node *) query)))
		return "it calls a volatile function";
	return NULL;
}

/* Orders PoVerified by what they cost in all, the most first. */
static int
compare_weight(const ListCell *a, const ListCell *b)
{
	const PoVerified *x = (const PoVerified *) lfirst(a);
	const PoVerified *y = (const PoVerified *) lfirst(b);
	double		cost_x = x->query->weight * x->query->cost;
	double		cost_y = y->query->weight * y->query->cost;

	return cost_x > cost_y ? -1 : cost_x < cost_y ? 1 : 0;
}

/* Finds the statements whose plan would use the index. */
static void
find_affected(PoVerification *verification)
{
	ListCell   *lc;

	foreach(lc, verification->workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		List	   *used = NIL;
		PoVerified *entry;

		CHECK_FOR_INTERRUPTS();
		(void) po_workload_plan(query, list_make1(verification->index), po_whatif_keep_used, &used);
		if (used == NIL)
			continue;
		entry = palloc0(sizeof(PoVerified));
		entry->query = query;
		entry->why_not = why_not_run(query->statement);
		verification->statements = lappend(verification->statements, entry);
	}
	list_sort(verification->statements, compare_weight);
	foreach(lc, verification->statements)
	{
		PoVerified *entry = (PoVerified *) lfirst(lc);

		if (entry->why_not == NULL && foreach_current_index(lc) >= MAX_RUNNING)
			entry->why_not = "it weighs less than the statements that are executed";
		entry->runs = entry->why_not == NULL;
	}
}

/*
 * Prepares the verification of an index that does not exist yet.  Everything lives in
 * the current memory context, which must outlive the transaction.  Raises what the
 * definition's CREATE INDEX would raise.
 */
PoVerification *
po_verify_begin(const char *definition, PoWorkload *workload)
{
	PoVerification *verification = palloc0(sizeof(PoVerification));

	verification->workload = workload;
	verification->index = po_hypo_parse_statement(definition);
	find_affected(verification);
	verification->write_cost = po_writes_cost(po_writes_collect(workload), verification->index, 0,
											  workload->measured);
	return verification;
}

/* Executes a planned statement to its end, discards its rows and returns the milliseconds. */
static double
execute_once(PoStatement *statement)
{
	QueryDesc  *desc;
	instr_time	start;
	instr_time	duration;

	PushActiveSnapshot(GetTransactionSnapshot());

	/*
	 * A zero queryid keeps statistics extensions from counting this as a
	 * call.
	 */
	statement->plan->queryId = 0;
	desc = CreateQueryDesc(statement->plan, statement->text, GetActiveSnapshot(), InvalidSnapshot,
						   None_Receiver, statement->params, NULL, 0);
	INSTR_TIME_SET_CURRENT(start);
	ExecutorStart(desc, 0);
	PO_EXECUTOR_RUN(desc, 0);
	ExecutorFinish(desc);
	INSTR_TIME_SET_CURRENT(duration);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	INSTR_TIME_SUBTRACT(duration, start);
	return INSTR_TIME_GET_MILLISEC(duration);
}

/* Plans a statement anew, and executes it as often as is worth while; fills cost and time. */
static void
measure(PoVerified *entry, int when)
{
	PoStatement *statement = po_workload_parse(entry->query);
	double		best;

	entry->cost[when] = po_query_total_cost((po_query_plan(statement), statement->plans));
	if (!entry->runs)
		return;
	enable_timeout_after(STATEMENT_TIMEOUT, STATEMENT_LIMIT_MS);
	best = execute_once(statement);
	for (int i = 0; i < MEASURED_RUNS && best < LONG_RUN_MS; i++)
	{
		double		ms;

		CHECK_FOR_INTERRUPTS();
		(void) po_query_plan(statement);
		ms = execute_once(statement);
		best = i == 0 ? ms : Min(best, ms);
	}
	disable_timeout(STATEMENT_TIMEOUT, false);
	entry->ms[when] = best;
}

/* Measures a statement as its role. */
static void
measure_as_role(void *arg)
{
	const Measurement *measurement = (const Measurement *) arg;
	PoRoleScope scope;

	po_workload_enter_role(measurement->entry->query, &scope);
	measure(measurement->entry, measurement->when);
	po_workload_leave_role(&scope);
}

/* Decides what an error of a statement means: it is priced from now on, or the verification ends. */
static void
handle_error(PoVerified *entry, ErrorData *error, instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		INSTR_TIME_GET_MILLISEC(now) >= STATEMENT_LIMIT_MS)
		entry->why_not = psprintf("it takes longer than %d s", STATEMENT_LIMIT_MS / 1000);
	else if (po_workload_is_about_statement(error->sqlerrcode))
		entry->why_not = error->message;
	else
		ReThrowError(error);
	entry->runs = false;
}

/* Measures one statement; nothing of it stays. */
static void
measure_one(PoVerified *entry, int when)
{
	Measurement measurement = {entry, when};
	ErrorData  *error;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	error = po_subtransaction_undo(measure_as_role, &measurement);
	if (error == NULL)
		return;
	disable_timeout(STATEMENT_TIMEOUT, false);
	handle_error(entry, error, start);
}

/*
 * Measures every affected statement before the index exists, or after it was built.
 * Called in a read-only transaction; the memory context is the one of po_verify_begin.
 */
void
po_verify_measure(PoVerification *verification, bool after)
{
	ListCell   *lc;

	foreach(lc, verification->statements)
	{
		CHECK_FOR_INTERRUPTS();
		measure_one((PoVerified *) lfirst(lc), after ? 1 : 0);
	}
}

/* Adds up times and costs; returns the milliseconds of a planner unit, 0 when nothing ran. */
static double
scale(const PoVerification *verification)
{
	double		ms = 0;
	double		cost = 0;
	ListCell   *lc;

	foreach(lc, verification->statements)
	{
		const PoVerified *entry = (const PoVerified *) lfirst(lc);

		if (!entry->runs)
			continue;
		ms += entry->ms[0] * entry->query->weight;
		cost += entry->cost[0] * entry->query->weight;
	}
	return cost > 0 ? ms / cost : 0;
}

/* Says whether a statement got slower, or, where it is only priced, dearer, by more than noise. */
static bool
is_worse(const PoVerified *entry)
{
	if (!entry->runs)
		return entry->cost[1] > entry->cost[0] * (1 + SLOWER_SHARE);
	return entry->ms[1] > entry->ms[0] * (1 + SLOWER_SHARE) && entry->ms[1] > entry->ms[0] + SLOWER_MS;
}

/* Returns the statement that got worse whose weight is greatest, as words for the summary; "" for none. */
static char *
name_worst(const PoVerification *verification)
{
	ListCell   *lc;

	/* They are in order of their weight. */
	foreach(lc, verification->statements)
	{
		const PoVerified *entry = (const PoVerified *) lfirst(lc);

		if (is_worse(entry))
			return psprintf(", first \"%s\" (%.4g to %.4g %s)", po_text_short(entry->query->text),
							entry->runs ? entry->ms[0] : entry->cost[0], entry->runs ? entry->ms[1] : entry->cost[1],
							entry->runs ? "ms" : "cost units");
	}
	return "";
}

/*
 * Decides whether the index pays: what its statements save, priced ones turned into
 * time at the measured ones' rate, must exceed its maintenance and a minimum.
 */
void
po_verify_judge(PoVerification *verification)
{
	double		ms_per_unit = scale(verification);
	double		saved;
	ListCell   *lc;

	verification->timed = ms_per_unit > 0;
	if (!verification->timed)
		ms_per_unit = 1;
	foreach(lc, verification->statements)
	{
		const PoVerified *entry = (const PoVerified *) lfirst(lc);

		for (int i = 0; i < 2; i++)
			verification->total[i] += entry->query->weight *
				(entry->runs ? entry->ms[i] : entry->cost[i] * ms_per_unit);
		if (is_worse(entry))
			verification->regressions++;
	}
	verification->write_total = verification->write_cost * ms_per_unit;
	saved = verification->total[0] - verification->total[1] - verification->write_total;
	verification->pays = saved > verification->total[0] * MIN_SAVING;
}

/* Adds one statement to the report. */
static void
report_statement(PoJson *json, const PoVerified *entry)
{
	po_json_begin_object(json, NULL);
	po_json_text(json, "query", entry->query->text);
	po_json_int(json, "query_id", entry->query->queryid);
	po_json_float(json, "weight", entry->query->weight);
	po_json_bool(json, "executed", entry->runs);
	if (entry->why_not != NULL)
		po_json_text(json, "why_not_executed", entry->why_not);
	po_json_float(json, "cost_before", entry->cost[0]);
	po_json_float(json, "cost_after", entry->cost[1]);
	if (entry->runs)
	{
		po_json_float(json, "ms_before", entry->ms[0]);
		po_json_float(json, "ms_after", entry->ms[1]);
	}
	po_json_bool(json, "worse", is_worse(entry));
	po_json_end_object(json);
}

/* Says in one sentence what came of it. */
static char *
summary(const PoVerification *verification, bool built, bool kept)
{
	double		before = verification->total[0];
	double		after = verification->total[1];

	if (!built)
		return pstrdup("No statement would use the index, so it was not built.");
	return psprintf("The index %s: its %d statements take %.4g %s instead of %.4g (%.1f %% %s), maintaining it takes %.4g; %d became slower by more than %.0f %%%s. It was %s.",
					verification->pays ? "pays" : "does not pay", list_length(verification->statements),
					after, verification->timed ? "ms" : "cost units", before,
					before > 0 ? 100 * fabs(before - after) / before : 0, after > before ? "more" : "less",
					verification->write_total, verification->regressions, 100 * SLOWER_SHARE,
					name_worst(verification), kept ? "kept" : "dropped");
}

/* Returns the verdict as the text of a JSON object, in the current memory context. */
char *
po_verify_report(const PoVerification *verification, bool built, bool kept)
{
	PoJson		json = {0};
	ListCell   *lc;

	po_json_begin_object(&json, NULL);
	po_json_text(&json, "verdict", !built ? "unused" : verification->pays ? "pays" : "does not pay");
	po_json_bool(&json, "kept", kept);
	po_json_text(&json, "summary", summary(verification, built, kept));
	po_json_text(&json, "index", verification->index->name);
	po_json_text(&json, "definition", verification->index->definition);
	po_json_text(&json, "unit", verification->timed ? "ms" : "cost");
	po_json_float(&json, "before", verification->total[0]);
	po_json_float(&json, "after", verification->total[1]);
	po_json_float(&json, "maintenance", verification->write_total);
	po_json_int(&json, "regressions", verification->regressions);
	po_json_begin_array(&json, "statements");
	foreach(lc, verification->statements)
		report_statement(&json, (const PoVerified *) lfirst(lc));
	po_json_end_array(&json);
	po_json_begin_array(&json, "skipped");
	foreach(lc, verification->workload->skipped)
	{
		const PoSkipped *skipped = (const PoSkipped *) lfirst(lc);

		po_json_begin_object(&json, NULL);
		po_json_text(&json, "query", skipped->text);
		po_json_text(&json, "reason", skipped->reason);
		po_json_end_object(&json);
	}
	po_json_end_array(&json);
	po_json_end_object(&json);
	return JsonbToCString(NULL, &po_json_finish(&json)->root, 0);
}
