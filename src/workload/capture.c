/*
 * capture.c
 *	  Keeping the texts of some executions: samples, plans, rewrites of bursts.
 *
 * po_capture_note runs at the end of each execution and costs a few comparisons
 * as a rule.  Now and then it reads the statement's percentiles from the shared
 * table and sets the limits for the next capture: a slow sample is one that takes as
 * long as the 95th percentile, a typical one is near the median.
 *
 * A sample's blob is a BlobHeader, the text, the search_path, the types of the
 * constants, and each parameter: type, length, value.  All is bounded by
 * perf_optimizer.sample_length.  Output functions of types that users made are
 * not called, for they might fail or do anything.
 */
#include "postgres.h"

#include <ctype.h>
#include <time.h>

#include "access/detoast.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "workload/capture.h"
#include "workload/plan_text.h"
#include "workload/settings.h"
#include "workload/text.h"

#define SLOW_PAUSE_NS UINT64CONST(1000000000)
#define TYPICAL_AGE_US (INT64CONST(600) * 1000000)
#define TYPICAL_WIDTH 1.5
#define REFRESH_EVERY 1024
#define SURE_NS 1000000
#define MAX_PARAMS 1000
#define LENGTH_NULL (-1)
#define LENGTH_OMITTED (-2)

/* The start of a sample's blob. */
typedef struct BlobHeader
{
	int32		text_length;
	int32		path_length;
	int32		nparams;
	int32		first_const;
	int32		nconsts;			/* -1: not known */
	int32		plannable;
} BlobHeader;

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

/* Tells whether a value can be turned into text here: by a function of the server, and it is short. */
static bool
may_output(Oid type, Datum value, Oid *typoutput)
{
	bool		varlena;

	getTypeOutputInfo(type, typoutput, &varlena);
	if (*typoutput >= FirstGenbkiObjectId || *typoutput == F_RECORD_OUT || *typoutput == F_ARRAY_OUT ||
		*typoutput == F_RANGE_OUT || *typoutput == F_MULTIRANGE_OUT)
	{
		Oid			element = get_element_type(type);

		if (*typoutput != F_ARRAY_OUT || element >= FirstGenbkiObjectId)
			return false;
	}
	return !varlena || (int64) toast_raw_datum_size(value) <= po_settings_sample_length;
}

/* Appends one parameter; returns false when its value is left out. */
static bool
append_param(StringInfo blob, const ParamExternData *param)
{
	int32		length = LENGTH_NULL;
	char	   *text = NULL;
	Oid			typoutput;

	if (!OidIsValid(param->ptype))
		length = LENGTH_OMITTED;
	else if (!param->isnull)
	{
		length = LENGTH_OMITTED;
		if (!po_settings_redact_samples && may_output(param->ptype, param->value, &typoutput))
		{
			text = OidOutputFunctionCall(typoutput, param->value);
			length = (int32) strlen(text);
			if (blob->len + length > 2 * po_settings_sample_length)
				length = LENGTH_OMITTED;
		}
	}
	appendBinaryStringInfo(blob, (const char *) &param->ptype, sizeof(Oid));
	appendBinaryStringInfo(blob, (const char *) &length, sizeof(int32));
	if (length > 0)
		appendBinaryStringInfo(blob, text, length);
	return length != LENGTH_OMITTED;
}

/* Appends all parameters; returns whether all their values are there. */
static bool
append_params(StringInfo blob, ParamListInfo params, int n)
{
	bool		complete = true;

	for (int i = 0; i < n; i++)
	{
		ParamExternData *param = &params->params[i];
		ParamExternData fetched;

		if (params->paramFetch != NULL)
			param = params->paramFetch(params, i + 1, true, &fetched);
		complete &= append_param(blob, param);
	}
	return complete;
}

/*
 * Returns the statement's own part of the source text, cut to the allowed length
 * at a whole character, redacted if so set; *skipped is the length of what was left out at its start.
 */
static char *
statement_text(const QueryDesc *desc, bool *whole, int *skipped)
{
	const char *start = desc->sourceText + Max(desc->plannedstmt->stmt_location, 0);
	int			length = desc->plannedstmt->stmt_len;
	char	   *text;

	if (length <= 0)
		length = (int) strlen(start);
	while (length > 0 && isspace((unsigned char) start[length - 1]))
		length--;
	*skipped = po_text_prepare_length(start, Min(length, po_settings_sample_length));
	start += *skipped;
	length -= *skipped;
	*whole = length <= po_settings_sample_length;
	if (!*whole)
		length = pg_mbcliplen(start, length, po_settings_sample_length);
	text = pnstrdup(start, length);
	if (!po_settings_redact_samples)
		return text;
	return po_text_redact(text, false);
}

/* Builds the blob of an execution. */
static void
build_blob(StringInfo blob, const PoLocal *local, const QueryDesc *desc)
{
	BlobHeader	header = {0};
	bool		whole;
	int			skipped;
	char	   *text = statement_text(desc, &whole, &skipped);
	const char *path = namespace_search_path;
	int			nparams = desc->params == NULL ? 0 : desc->params->numParams;
	bool		named = nparams > 0 && desc->params->paramFetch != NULL;

	header.text_length = (int32) strlen(text);
	header.path_length = (int32) Min(strlen(path), (Size) po_settings_sample_length);
	header.nparams = Min(nparams, MAX_PARAMS);
	header.first_const = local->first_const;
	header.nconsts = local->parsed ? local->nconsts : -1;
	initStringInfo(blob);
	appendBinaryStringInfo(blob, (const char *) &header, sizeof(header));
	appendBinaryStringInfo(blob, text, header.text_length);
	appendBinaryStringInfo(blob, path, header.path_length);
	appendBinaryStringInfo(blob, (const char *) local->const_types, Max(header.nconsts, 0) * sizeof(Oid));
	/* Variables of procedures stand by their names in the text, so it does not plan as it is. */
	header.plannable = append_params(blob, desc->params, header.nparams) && whole && !named &&
		nparams <= MAX_PARAMS && header.path_length == (int32) strlen(path) && !po_settings_redact_samples;
	memcpy(blob->data, &header, sizeof(header));
}

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

/* Captures an execution that is within the limits. */
static void
capture_sample(PoLocal *local, const QueryDesc *desc, const PoTrackEvent *event)
{
	PoLocalCapture *c = &local->capture;
	StringInfoData blob;
	uint64		now = now_ns();

	if (event->ns >= c->slow_ns && now >= c->next_at)
	{
		build_blob(&blob, local, desc);
		store_sample(event, PO_SAMPLE_SLOW, &blob);
		c->next_at = now + SLOW_PAUSE_NS;
		c->slow_ns = Max(c->slow_ns, event->ns / 2);
	}
	if (event->ns >= c->typical_from && event->ns <= c->typical_to)
	{
		build_blob(&blob, local, desc);
		store_sample(event, PO_SAMPLE_TYPICAL, &blob);
		c->typical_to = 0;
	}
}

/* ---- plans ---- */

/* Returns the plan of a statement that has this shape, or NULL. */
static PoTrackPlan *
find_plan(PoTrackEntry *entry, uint64 planid)
{
	for (int i = 0; entry != NULL && i < PO_TRACK_PLANS; i++)
		if (entry->plans[i].planid == planid)
			return &entry->plans[i];
	return NULL;
}

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

/* Returns the rewrite of a statement in a burst, or NULL when its key is not known. */
static char *
compose_suggestion(const PoLocal *local, const QueryDesc *desc)
{
	const PoLocalKey *key = &local->key;
	PoRewrite	rewrite;
	char	   *column;
	bool		whole;
	int			skipped;
	char	   *text;

	if (!local->parsed || !OidIsValid(key->relid))
		return NULL;
	column = get_attname(key->relid, key->attno, true);
	rewrite.relation = po_relname_qualified_or_null(key->relid);
	if (column == NULL || rewrite.relation == NULL)
		return NULL;
	text = statement_text(desc, &whole, &skipped);
	rewrite.column = quote_identifier(column);
	rewrite.column_location = key->column_location - skipped;
	rewrite.location = key->location - skipped;
	rewrite.type = format_type_be_qualified(key->type);
	rewrite.plain = key->plain;
	rewrite.readable = whole && rewrite.location >= 0 && rewrite.column_location >= 0 && !po_settings_redact_samples &&
		(desc->params == NULL || desc->params->paramFetch == NULL);
	return po_text_rewrite(text, &rewrite);
}

/* Stores the relation and the rewrite of a statement in a burst. */
static void
capture_suggestion(PoLocal *local, const QueryDesc *desc, const PoTrackEvent *event)
{
	PoTrackKey	key = key_of(event);
	char	   *text = compose_suggestion(local, desc);
	PoTrackEntry *entry;

	local->capture.suggested = true;
	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_slot(po_tracked_my_slot());
	entry = po_tracked_lookup(&key);
	if (entry != NULL)
	{
		entry->burst_relid = text != NULL ? local->key.relid : linitial_oid(desc->plannedstmt->relationOids);
		po_tracked_free_text(&entry->suggestion);
		if (text != NULL)
			entry->suggestion = po_tracked_store_text(entry, text, (uint32) strlen(text));
	}
	LWLockRelease(po_tracked_lock);
}

/* Captures whatever is due; in a memory context of its own, so that nothing stays. */
static void
capture(PoLocal *local, QueryDesc *desc, const PoTrackEvent *event, bool sample, bool plan, bool burst)
{
	MemoryContext context;
	MemoryContext old;

	if (!IsTransactionState() || IsAbortedTransactionBlockState())
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer capture", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	if (sample)
		capture_sample(local, desc, event);
	if (plan)
		capture_plan(local, desc, event);
	if (burst)
		capture_suggestion(local, desc, event);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
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
	burst = event->burst_kind != PO_BURST_NONE && !c->suggested;
	if (unlikely(sample || plan || burst))
		capture(local, desc, event, sample, plan, burst);
}

/* ---- reading ---- */

/* Reads one parameter and returns the byte after it. */
static const char *
read_param(const char *at, PoParams *params, int i)
{
	int32		length;

	memcpy(&params->types[i], at, sizeof(Oid));
	memcpy(&length, at + sizeof(Oid), sizeof(int32));
	at += sizeof(Oid) + sizeof(int32);
	params->values[i] = length >= 0 ? pnstrdup(at, length) : NULL;
	return at + Max(length, 0);
}

/* Returns a statement's sample of a kind in the current memory context, or NULL; the caller holds the lock. */
PoSample *
po_capture_read(const PoTrackEntry *entry, PoSampleKind kind)
{
	const PoTrackSample *stored = &entry->samples[kind];
	const char *at = po_tracked_copy_text(stored->blob, NULL);
	PoSample   *sample;
	BlobHeader	header;

	if (at == NULL)
		return NULL;
	memcpy(&header, at, sizeof(header));
	at += sizeof(header);
	sample = palloc0(sizeof(PoSample));
	sample->queryid = (int64) entry->key.queryid;
	sample->userid = entry->key.userid;
	sample->time_ms = (double) stored->ns / PO_NS_PER_MS;
	sample->at = stored->at;
	sample->plannable = header.plannable != 0;
	sample->text = pnstrdup(at, header.text_length);
	at += header.text_length;
	sample->search_path = pnstrdup(at, header.path_length);
	at += header.path_length;
	sample->first_const = header.first_const;
	sample->nconsts = header.nconsts;
	sample->const_types = palloc(sizeof(Oid) * Max(header.nconsts, 1));
	memcpy(sample->const_types, at, sizeof(Oid) * Max(header.nconsts, 0));
	at += sizeof(Oid) * Max(header.nconsts, 0);
	sample->params.sample = true;
	sample->params.nvalues = sample->params.ntypes = header.nparams;
	sample->params.values = palloc0(sizeof(char *) * Max(header.nparams, 1));
	sample->params.types = palloc0(sizeof(Oid) * Max(header.nparams, 1));
	for (int i = 0; i < header.nparams; i++)
		at = read_param(at, &sample->params, i);
	return sample;
}

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
			sample = po_capture_read(entry, PO_SAMPLE_TYPICAL);
		if (entry != NULL && sample == NULL)
			sample = po_capture_read(entry, PO_SAMPLE_SLOW);
	}
	LWLockRelease(po_tracked_lock);
	return sample;
}
