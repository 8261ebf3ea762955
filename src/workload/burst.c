/*
 * burst.c
 *	  Bursts: one session runs the same statement again and again.
 *
 * The N+1 pattern of an application: it reads a list, then one statement for
 * each of its rows.  A burst is five executions or more of one statement in one
 * transaction, or with gaps of at most 50 ms between them, each returning few
 * rows.  With different parameters it is N+1, with the same ones the statement
 * is merely repeated.  Only reading statements of users' tables count, and only
 * when a loop of an application or of a procedure runs them: what an executing
 * set query, a trigger or a COPY runs for each row is none of the caller's doing.
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
#define HASHED_BYTES 256

/* The last two different statements that the client sent, the newest first. */
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
static uint64
mix_bytes(uint64 hash, const char *data, Size length)
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
		return mix_bytes(hash, DatumGetPointer(param->value), VARSIZE_ANY(DatumGetPointer(param->value)));
	if (length == -2)
		return mix_bytes(hash, DatumGetCString(param->value), strlen(DatumGetCString(param->value)));
	return mix_bytes(hash, DatumGetPointer(param->value), length);
}

/*
 * Returns a hash of what may differ between two executions: the parameters, and
 * without any the text with its constants.
 */
static uint64
hash_params(PoLocal *local, const QueryDesc *desc)
{
	ParamListInfo params = desc->params;
	uint64		hash = 1;

	if (params == NULL || params->numParams == 0)
	{
		const char *text = desc->sourceText + Max(desc->plannedstmt->stmt_location, 0);
		int			length = desc->plannedstmt->stmt_len;

		return mix_bytes(hash, text, length > 0 ? (Size) length : strlen(text));
	}
	for (int i = 0; i < params->numParams; i++)
	{
		ParamExternData *param = &params->params[i];
		ParamExternData fetched;

		if (params->paramFetch != NULL)
			param = params->paramFetch(params, i + 1, true, &fetched);
		hash = mix_param(local, hash, i, param);
	}
	return hash;
}

/* Tells whether a statement can be in a burst at all: it reads a user's table and locks or writes nothing. */
bool
po_burst_is_candidate(const PlannedStmt *stmt)
{
	return stmt->commandType == CMD_SELECT && !stmt->hasModifyingCTE &&
		stmt->relationOids != NIL &&
		linitial_oid(stmt->relationOids) >= FirstNormalObjectId;
}

/* Notes a statement that the client sent; the one before a burst is taken for its list. */
void
po_burst_note_top(uint64 queryid, uint64 end_ns)
{
	last_queryid = queryid;
	last_end_ns = end_ns;
	last_lxid = PO_MY_LXID;
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
	return burst->lxid == PO_MY_LXID || run->end_ns - run->ns - burst->end_ns <= BURST_GAP_NS;
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

/* Writes what there is to tell of the burst into the event. */
static void
report(PoLocalBurst *burst, PoTrackEvent *event)
{
	PoBurstKind kind = burst->differs ? PO_BURST_N_PLUS_ONE : PO_BURST_REPEATED;

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

/* Notes an execution of a candidate and completes its event, all of whose burst fields are zero before. */
void
po_burst_note(PoLocal *local, const QueryDesc *desc, const PoBurstRun *run, PoTrackEvent *event)
{
	PoLocalBurst *burst = &local->burst;
	uint64		hash;

	if (run->rows > BURST_MAX_ROWS)
	{
		burst->count = 0;
		return;
	}
	hash = hash_params(local, desc);
	if (!continues(burst, run))
	{
		memset(burst, 0, sizeof(PoLocalBurst));
		burst->hash = hash;
		burst->parent = find_parent(local, run);
	}
	burst->lxid = PO_MY_LXID;
	burst->end_ns = run->end_ns;
	burst->count++;
	burst->new_ns += run->ns;
	burst->differs |= (hash != burst->hash);
	if (burst->count == BURST_LENGTH && !run->nested)
		resolve_parent(burst);
	if (burst->count >= BURST_LENGTH)
		report(burst, event);
}
