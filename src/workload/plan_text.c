/*
 * plan_text.c
 *	  The plan of an execution as EXPLAIN prints it.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "core/compat.h"
#include "lib/stringinfo.h"
#include "workload/plan_text.h"
#include "workload/text.h"

/*
 * Returns the text of a running plan with its estimated costs, or with neither
 * costs nor constants, in the current memory context.  Must be called before ExecutorEnd.
 */
char *
po_plan_text_explain(QueryDesc *desc, bool redact)
{
	ExplainState *es = NewExplainState();

	es->format = EXPLAIN_FORMAT_TEXT;
	es->costs = !redact;
	ExplainBeginOutput(es);
	ExplainPrintPlan(es, desc);
	ExplainEndOutput(es);
	while (es->str->len > 0 && es->str->data[es->str->len - 1] == '\n')
		es->str->data[--es->str->len] = '\0';
	return redact ? po_text_redact(es->str->data, false) : es->str->data;
}
