/*
 * capture.c
 *	  Keeping the texts of some executions: samples, plans, rewrites of bursts.
 *
 * po_capture_note runs at the end of each execution and costs a few comparisons
 * as a rule.  Now and then it reads the statement's percentiles from the shared
 * table and sets the limits for the next capture: a slow sample is one that takes as
 * long as the 95th percentile, a typical one is near the median.
 *
 * An execution that failed is kept as a slow one when it took as long, without its
 * parameters, for the transaction in which they could be printed is gone.
 */
#include "postgres.h"

#include <time.h>

#include "access/xact.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "workload/burst.h"
#include "workload/capture.h"
#include "workload/plan_text.h"
#include "workload/settings.h"
#include "workload/text.h"

#define SLOW_PAUSE_NS UINT64CONST(1000000000)
#define TYPICAL_AGE_US (INT64CONST(600) * 1000000)
#define TYPICAL_WIDTH 1.5
#define REFRESH_EVERY 1024
#define SURE_NS 1000000

/* Returns nanoseconds of the monotonic clock. */
static uint64
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64) now.tv_sec * UINT64CONST(1000000000) + (uint64) now.tv_nsec;
}

/* Returns the key of an event's statement. */
static PoTrackKey
key_of(const PoTrackEvent *event)
{
	PoTrackKey	key = {event->queryid, event->dbid, event->userid, event->toplevel};

	return key;
}

/* Returns the plan of a statement that has this shape, or NULL. */
static PoTrackPlan *
find_plan(PoTrackEntry *entry, uint64 planid)
{
	for (int i = 0; entry != NULL && i < PO_TRACK_PLANS; i++)
		if (entry->plans[i].planid == planid)
			return &entry->plans[i];
	return NULL;
}

/* Reads from the shared table what the statement usually takes, and which samples it lacks. */
static void
refresh_limits(PoLocal *local, const PoTrackEvent *event)
{
	static const double fractions[] = {0.50, 0.95};
	double		ms[lengthof(fractions)];
	PoLocalCapture *c = &local->capture;
	PoTrackKey	key = key_of(event);
	PoTrackEntry *entry;
	bool		have_slow = false;
	bool		have_typical = false;
	bool		known = false;
	PoTrackPlan *plan;

	c->refresh_at = c->executions + Min(c->executions, REFRESH_EVERY);
	LWLockAcquire(po_tracked_lock, LW_SHARED);
	entry = po_tracked_lookup(&key);
	if (entry != NULL)
	{
		have_slow = entry->samples[PO_SAMPLE_SLOW].blob != 0;
		have_typical = entry->samples[PO_SAMPLE_TYPICAL].blob != 0 &&
			event->at - entry->samples[PO_SAMPLE_TYPICAL].at < TYPICAL_AGE_US;
		po_tracked_percentiles(entry, lengthof(fractions), fractions, ms);
		known = entry->calls > 0;
	}
	plan = find_plan(entry, c->planid);
	if (plan == NULL || plan->text == 0)
		c->planid = 0;
	LWLockRelease(po_tracked_lock);

	c->slow_ns = have_slow && known ? ms[1] * PO_NS_PER_MS : 0;
	c->typical_from = PG_UINT64_MAX;
	c->typical_to = 0;
	if (known && !have_typical)
	{
		c->typical_from = ms[0] * PO_NS_PER_MS / TYPICAL_WIDTH;
		c->typical_to = ms[0] * PO_NS_PER_MS * TYPICAL_WIDTH;
	}
}

/* ---- samples ---- */

/* Stores a blob as the sample of a kind. */
static void
store_sample(const PoTrackEvent *event, PoSampleKind kind, const StringInfo blob)
{
	PoTrackKey	key = key_of(event);
	PoTrackEntry *entry;

	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_slot(po_tracked_my_slot());
	entry = po_tracked_lookup(&key);
	if (entry != NULL)
	{
		PoTrackSample *sample = &entry->samples[kind];

		po_tracked_free_text(&sample->blob);
		sample->blob = po_tracked_store_text(entry, blob->data, (uint32) blob->len);
		sample->ns = event->ns;
		sample->at = event->at;
	}
	LWLockRelease(po_tracked_lock);
}

/* Captures an execution that is within the limits; params is NULL where their values cannot be read. */
static void
capture_sample(PoLocal *local, const PoBlobText *text, ParamListInfo params, const PoTrackEvent *event)
{
	PoLocalCapture *c = &local->capture;
	StringInfoData blob;
	uint64		now = now_ns();

	if (event->ns >= c->slow_ns && now >= c->next_at)
	{
		po_blob_build(&blob, local, text, params);
		store_sample(event, PO_SAMPLE_SLOW, &blob);
		c->next_at = now + SLOW_PAUSE_NS;
		c->slow_ns = Max(c->slow_ns, event->ns / 2);
	}
	if (!event->failed && event->ns >= c->typical_from && event->ns <= c->typical_to)
	{
		po_blob_build(&blob, local, text, params);
		store_sample(event, PO_SAMPLE_TYPICAL, &blob);
		c->typical_to = 0;
	}
}

/* ---- plans ---- */

/* Tells whether the text of a plan shape is stored already. */
static bool
has_plan_text(const PoTrackKey *key, uint64 planid)
{
	PoTrackPlan *plan;
	bool		has;

	LWLockAcquire(po_tracked_lock, LW_SHARED);
	plan = find_plan(po_tracked_lookup(key), planid);
	has = plan != NULL && plan->text != 0;
	LWLockRelease(po_tracked_lock);
	return has;
}

/* Stores the text of the plan, unless its shape has one. */
static void
capture_plan(PoLocal *local, QueryDesc *desc, const PoTrackEvent *event)
{
	PoTrackKey	key = key_of(event);
	PoTrackPlan *plan;
	char	   *text;

	local->capture.planid = local->planid;
	if (has_plan_text(&key, local->planid))
		return;
	text = po_plan_text_explain(desc, po_settings_redact_samples);
	text[pg_mbcliplen(text, (int) strlen(text), po_settings_sample_length)] = '\0';

	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_slot(po_tracked_my_slot());
	plan = find_plan(po_tracked_lookup(&key), local->planid);
	if (plan != NULL && plan->text == 0)
		plan->text = po_tracked_store_text(po_tracked_lookup(&key), text, (uint32) strlen(text));
	LWLockRelease(po_tracked_lock);
}

/* ---- bursts ---- */

/* Returns where the text of an execution is. */
static PoBlobText
text_of(const QueryDesc *desc)
{
	PoBlobText	text = {desc->sourceText, desc->plannedstmt->stmt_location, desc->plannedstmt->stmt_len,
	desc->params == NULL ? 0 : desc->params->numParams, false};

	return text;
}

/* Tells whether a key stands in a text where parse analysis saw it, in what may have been another text. */
static bool
is_in_place(const PoLocalKey *key, const char *text)
{
	int			first = Min(key->location, key->column_location);
	const char *end;

	if (first < 0 || Max(key->location, key->column_location) >= (int) strlen(text))
		return false;
	end = po_text_skip_value(text + key->location);
	return end != NULL && po_burst_mix_bytes(1, text + first, end - (text + first)) == key->text;
}

/* Fills the keys that differ from execution to execution; returns false where a name is gone. */
static bool
fill_keys(PoRewrite *rewrite, const PoLocal *local, const char *text, int skipped)
{
	Oid			relid = InvalidOid;

	for (int i = 0; i < local->text.nkeys; i++)
	{
		const PoLocalKey *key = &local->text.keys[i];
		PoRewriteKey *to = &rewrite->keys[rewrite->nkeys];
		char	   *column = key->attno == 0 ? NULL : get_attname(key->relid, key->attno, true);

		if (!(local->burst.varying & (1U << i)))
			continue;
		rewrite->readable = rewrite->readable && is_in_place(key, text);
		to->column_location = key->column_location - skipped;
		to->location = key->location - skipped;
		to->param = key->param;
		to->type = format_type_extended(key->type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
		to->column = column == NULL || (OidIsValid(relid) && relid != key->relid) ? NULL : quote_identifier(column);
		relid = key->relid;
		rewrite->nkeys++;
	}
	rewrite->relation = OidIsValid(relid) ? po_relname_qualified_or_null(relid) : NULL;
	return rewrite->relation != NULL;
}

/* Returns the rewrite of a statement in a burst, or NULL when its keys are not known. */
static char *
compose_suggestion(const PoLocal *local, const QueryDesc *desc)
{
	PoBlobText	source = text_of(desc);
	PoRewrite	rewrite = {0};
	bool		whole;
	int			skipped;
	char	   *text;

	if (!local->text.known || local->burst.varying == 0)
		return NULL;
	text = po_blob_text(&source, &whole, &skipped);
	rewrite.plain = local->text.plain;
	rewrite.readable = whole && !po_settings_redact_samples &&
		(desc->params == NULL || desc->params->paramFetch == NULL);
	if (!fill_keys(&rewrite, local, source.start + Max(source.location, 0), skipped))
		return NULL;
	return po_text_rewrite(text, &rewrite);
}

/* Returns the relation of a burst: the one whose column differs, else the first that the plan reads. */
static Oid
burst_relation(const PoLocal *local, const QueryDesc *desc)
{
	for (int i = 0; i < local->text.nkeys; i++)
		if (local->burst.varying & (1U << i))
			return local->text.keys[i].relid;
	return linitial_oid(desc->plannedstmt->relationOids);
}

/* Stores the relation and the rewrite of a statement in a burst. */
static void
capture_suggestion(PoLocal *local, const QueryDesc *desc, const PoTrackEvent *event)
{
	PoTrackKey	key = key_of(event);
	char	   *text = compose_suggestion(local, desc);
	PoTrackEntry *entry;

	local->capture.suggested = (event->burst_kind == PO_BURST_N_PLUS_ONE);
	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_slot(po_tracked_my_slot());
	entry = po_tracked_lookup(&key);
	if (entry != NULL)
	{
		entry->burst_relid = burst_relation(local, desc);
		if (text != NULL)
		{
			po_tracked_free_text(&entry->suggestion);
			entry->suggestion = po_tracked_store_text(entry, text, (uint32) strlen(text));
		}
	}
	LWLockRelease(po_tracked_lock);
}

/* Begins a capture in a memory context of its own, so that nothing stays; returns the context to go back to. */
static MemoryContext
begin_capture(void)
{
	return MemoryContextSwitchTo(AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer capture", ALLOCSET_DEFAULT_SIZES));
}

/* Ends a capture. */
static void
end_capture(MemoryContext old)
{
	MemoryContext context = MemoryContextSwitchTo(old);

	MemoryContextDelete(context);
}

/* Captures whatever is due. */
static void
capture(PoLocal *local, QueryDesc *desc, const PoTrackEvent *event, bool sample, bool plan, bool burst)
{
	PoBlobText	text = text_of(desc);
	MemoryContext old;

	if (!IsTransactionState() || IsAbortedTransactionBlockState())
		return;
	old = begin_capture();
	if (sample)
		capture_sample(local, &text, desc->params, event);
	if (plan)
		capture_plan(local, desc, event);
	if (burst)
		capture_suggestion(local, desc, event);
	end_capture(old);
}

/*
 * Decides what to keep of an execution that ended, whose event is reported, and
 * keeps it.  The plan and the parameters of desc must still be there.
 */
void
po_capture_note(PoLocal *local, QueryDesc *desc, const PoTrackEvent *event)
{
	PoLocalCapture *c = &local->capture;
	bool		sample;
	bool		plan;
	bool		burst;

	if (unlikely(c->executions++ >= c->refresh_at))
		refresh_limits(local, event);
	sample = po_settings_capture_samples &&
		(event->ns >= c->slow_ns || (event->ns >= c->typical_from && event->ns <= c->typical_to));
	plan = po_settings_capture_plans && c->planid != local->planid &&
		(c->executions > 1 || event->ns >= SURE_NS);
	burst = event->burst_kind != PO_BURST_NONE && !c->suggested &&
		(event->burst_begins || event->burst_kind == PO_BURST_N_PLUS_ONE);
	if (unlikely(sample || plan || burst))
		capture(local, desc, event, sample, plan, burst);
}

/* Captures the text alone when it is within the limits; nothing here reads catalogs, for there may be no transaction. */
static void
capture_text(const PoTrackEvent *event, const PoBlobText *text)
{
	PoLocal    *local = po_local_find(event->queryid);
	PoLocalCapture *c = &local->capture;
	MemoryContext old;

	if (c->executions == 0 || c->executions >= c->refresh_at)
		refresh_limits(local, event);
	if (event->ns < c->slow_ns && !(event->ns >= c->typical_from && event->ns <= c->typical_to))
		return;
	old = begin_capture();
	capture_sample(local, text, NULL, event);
	end_capture(old);
}

/*
 * Keeps the text of an execution that failed when it took as long as slow ones; the
 * event is reported, the transaction is being rolled back.
 */
void
po_capture_note_failure(const PoTrackEvent *event, const PoBlobText *text)
{
	if (text->start != NULL)
		capture_text(event, text);
}

/* Keeps the text of a utility statement that ended, whose event is reported. */
void
po_capture_note_utility(const PoTrackEvent *event, const PoBlobText *text)
{
	po_local_find(event->queryid)->capture.executions++;
	capture_text(event, text);
}

/* ---- reading ---- */

/* Returns the typical sample of a statement of this database, else the slow one, else NULL. */
PoSample *
po_capture_find(int64 queryid, Oid userid)
{
	PoSample   *sample = NULL;

	if (!po_tracked_ready())
		return NULL;
	LWLockAcquire(po_tracked_lock, LW_SHARED);
	for (int toplevel = 1; toplevel >= 0 && sample == NULL; toplevel--)
	{
		PoTrackKey	key = {(uint64) queryid, MyDatabaseId, userid, toplevel};
		PoTrackEntry *entry = po_tracked_lookup(&key);

		if (entry != NULL)
			sample = po_blob_read(entry, PO_SAMPLE_TYPICAL);
		if (entry != NULL && sample == NULL)
			sample = po_blob_read(entry, PO_SAMPLE_SLOW);
	}
	LWLockRelease(po_tracked_lock);
	return sample;
}
