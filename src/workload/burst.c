/*
 * burst.c
 *	  Bursts: one session runs the same statement again and again.
 *
 * The N+1 pattern of an application: it reads a list, then one statement for
 * each of its rows.  A burst is five executions or more of one statement in one
 * transaction, or with gaps of at most 50 ms and four other statements between
 * them, as a loop leaves them and the mixed traffic of a pooled connection does
 * not, each returning few rows.  Where a column is compared with different values
 * it is N+1; with the same values everywhere the statement is merely repeated; what
 * differs elsewhere, as in reading a table page by page, is neither.
 *
 * Only reading statements of users' tables count, and only when a loop of an
 * application or of a procedure runs them: what an executing set query, a trigger
 * or a COPY runs for each row is none of the caller's doing.
 *
 * Runs for each execution, so nothing here allocates, locks or can fail.
 */
#include "postgres.h"

#include "access/transam.h"
#include "common/hashfn.h"
#include "core/compat.h"
#include "storage/proc.h"
#include "utils/lsyscache.h"
#include "workload/burst.h"

#define BURST_LENGTH 5
#define BURST_GAP_NS UINT64CONST(50000000)
#define BURST_MAX_ROWS 10
#define BURST_LOOP_STATEMENTS 5
#define HASHED_BYTES 256

/* The statement that the client sent last, and how many it has sent. */
static uint32 turn = 0;
static uint64 last_queryid = 0;
static uint64 last_end_ns = 0;
static uint32 last_lxid = 0;

/* Mixes a word into a hash. */
static inline uint64
mix(uint64 hash, uint64 word)
{
	hash = (hash ^ word) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 29);
}

/* Mixes bytes into a hash, at most HASHED_BYTES of them and their number. */
uint64
po_burst_mix_bytes(uint64 hash, const char *data, Size length)
{
	Size		left = Min(length, HASHED_BYTES);
	uint64		word;

	for (; left >= sizeof(word); data += sizeof(word), left -= sizeof(word))
	{
		memcpy(&word, data, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, data, left);
	return mix(mix(hash, word), length);
}

/* Returns the length of a type as PoLocal keeps it, remembered for the first parameters. */
static int16
param_length(PoLocal *local, int i, Oid type)
{
	int16		length;
	bool		byval;

	if (i < local->nparams && local->param_types[i] == type)
		return local->param_lengths[i];
	get_typlenbyval(type, &length, &byval);
	if (byval)
		length = 0;
	if (i < PO_LOCAL_PARAMS && i <= local->nparams)
	{
		local->param_types[i] = type;
		local->param_lengths[i] = length;
		local->nparams = Max(local->nparams, i + 1);
	}
	return length;
}

/* Mixes one parameter into a hash. */
static uint64
mix_param(PoLocal *local, uint64 hash, int i, const ParamExternData *param)
{
	int16		length;

	if (!OidIsValid(param->ptype) || param->isnull)
		return mix(hash, 0);
	length = param_length(local, i, param->ptype);
	if (length == 0)
		return mix(hash, param->value);
	if (length == -1)
		return po_burst_mix_bytes(hash, DatumGetPointer(param->value), VARSIZE_ANY(DatumGetPointer(param->value)));
	if (length == -2)
		return po_burst_mix_bytes(hash, DatumGetCString(param->value), strlen(DatumGetCString(param->value)));
	return po_burst_mix_bytes(hash, DatumGetPointer(param->value), length);
}

/* Returns the hash of a text that parse analysis told nothing of. */
static uint64
hash_text(const QueryDesc *desc)
{
	const char *text = desc->sourceText + Max(desc->plannedstmt->stmt_location, 0);
	int			length = desc->plannedstmt->stmt_len;

	return po_burst_mix_bytes(1, text, length > 0 ? (Size) length : strlen(text));
}

/* Reads what may differ between two executions: parameters and constants, all of them and those that are keys. */
static void
read_values(PoLocal *local, const QueryDesc *desc, PoLocalValues *values)
{
	const PoLocalText *text = &local->text;
	ParamListInfo params = desc->params;
	int			nparams = params == NULL ? 0 : params->numParams;

	values->all = text->known ? text->constants : nparams > 0 ? 1 : hash_text(desc);
	for (int k = 0; k < text->nkeys; k++)
		values->keys[k] = text->keys[k].text;
	for (int i = 0; i < nparams; i++)
	{
		ParamExternData *param = &params->params[i];
		ParamExternData fetched;
		uint64		hash;

		if (params->paramFetch != NULL)
			param = params->paramFetch(params, i + 1, true, &fetched);
		hash = mix_param(local, i + 1, i, param);
		values->all = mix(values->all, hash);
		for (int k = 0; k < text->nkeys; k++)
			if (text->keys[k].param == i + 1)
				values->keys[k] = hash;
	}
}

/* Notes how the values of an execution differ from the first one's. */
static void
compare_values(PoLocalBurst *burst, const PoLocalValues *values, int nkeys)
{
	if (values->all == burst->first.all)
		return;
	burst->differs = true;
	for (int k = 0; k < nkeys; k++)
		if (values->keys[k] != burst->first.keys[k])
			burst->varying |= 1U << k;
}

/* Tells whether a statement can be in a burst at all: it reads a user's table and locks or writes nothing. */
bool
po_burst_is_candidate(const PlannedStmt *stmt)
{
	return stmt->commandType == CMD_SELECT && !stmt->hasModifyingCTE &&
		stmt->rowMarks == NIL && stmt->relationOids != NIL &&
		linitial_oid(stmt->relationOids) >= FirstNormalObjectId;
}

/* Notes a statement that the client sent; the one before a burst is taken for its list. */
void
po_burst_note_top(uint64 queryid, uint64 end_ns)
{
	last_queryid = queryid;
	last_end_ns = end_ns;
	last_lxid = PO_MY_LXID;
	turn++;
}

/* Returns the statement that a burst which begins now belongs to, or 0. */
static uint64
find_parent(const PoLocal *local, const PoBurstRun *run)
{
	if (run->nested)
		return run->parent;
	if (last_queryid == local->queryid ||
		(last_lxid != PO_MY_LXID && run->end_ns - run->ns - last_end_ns > BURST_GAP_NS))
		return 0;
	return last_queryid;
}

/* Tells whether an execution continues the burst, or what may become one. */
static bool
continues(const PoLocalBurst *burst, const PoBurstRun *run)
{
	if (burst->count == 0)
		return false;
	if (run->nested && run->parent != burst->parent)
		return false;
	if (burst->lxid == PO_MY_LXID)
		return true;
	return run->end_ns - run->ns - burst->end_ns <= BURST_GAP_NS &&
		(run->nested || turn - burst->turn <= BURST_LOOP_STATEMENTS);
}

/* Where the statement before is itself in a burst, both are members of the list that that one belongs to. */
static void
resolve_parent(PoLocalBurst *burst)
{
	const PoLocal *parent;

	if (burst->parent == 0)
		return;
	parent = po_local_peek(burst->parent);
	if (parent != NULL && parent->burst.count >= BURST_LENGTH - 1 && parent->burst.lxid == burst->lxid &&
		parent->burst.parent != 0)
		burst->parent = parent->burst.parent;
}

/* Returns the kind of a burst, of which nothing is known where the statement's text was not seen. */
static PoBurstKind
kind_of(const PoLocalBurst *burst, const PoLocalText *text)
{
	if (!burst->differs)
		return PO_BURST_REPEATED;
	return burst->varying != 0 || !text->known ? PO_BURST_N_PLUS_ONE : PO_BURST_NONE;
}

/* Writes what there is to tell of the burst into the event. */
static void
report(PoLocalBurst *burst, PoBurstKind kind, PoTrackEvent *event)
{
	event->burst_begins = (kind != burst->kind);
	event->burst_kind = (uint8) kind;
	event->burst_length = burst->count;
	event->burst_new = burst->count - burst->reported;
	event->burst_ns = burst->new_ns;
	event->parent = burst->parent;
	burst->kind = kind;
	burst->reported = burst->count;
	burst->new_ns = 0;
}

/* Begins what may become a burst. */
static void
begin(PoLocal *local, const PoBurstRun *run, const PoLocalValues *values)
{
	PoLocalBurst *burst = &local->burst;

	memset(burst, 0, sizeof(PoLocalBurst));
	burst->first.all = values->all;
	for (int k = 0; k < local->text.nkeys; k++)
		burst->first.keys[k] = values->keys[k];
	burst->parent = find_parent(local, run);
}

/* Notes an execution of a candidate and completes its event, all of whose burst fields are zero before. */
void
po_burst_note(PoLocal *local, const QueryDesc *desc, const PoBurstRun *run, PoTrackEvent *event)
{
	PoLocalBurst *burst = &local->burst;
	PoLocalValues values;
	PoBurstKind kind;

	if (run->rows > BURST_MAX_ROWS)
	{
		burst->count = 0;
		return;
	}
	read_values(local, desc, &values);
	if (continues(burst, run))
		compare_values(burst, &values, local->text.nkeys);
	else
		begin(local, run, &values);
	burst->lxid = PO_MY_LXID;
	burst->end_ns = run->end_ns;
	burst->turn = turn;
	burst->count++;
	burst->new_ns += run->ns;
	if (burst->count < BURST_LENGTH)
		return;
	if (burst->count == BURST_LENGTH && !run->nested)
		resolve_parent(burst);
	kind = kind_of(burst, &local->text);
	if (kind != PO_BURST_NONE)
		report(burst, kind, event);
}
