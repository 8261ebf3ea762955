/*
 * blob.c
 *	  The form in which samples of executions are kept.
 *
 * A BlobHeader, the text, the search_path, the types of the constants, and each
 * parameter: type, length, value.  All is bounded by perf_optimizer.sample_length.
 * Output functions of types that users made are not called, for they might fail
 * or do anything.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/detoast.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "workload/blob.h"
#include "workload/settings.h"
#include "workload/text.h"

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
	int32		nconsts;		/* -1: not known */
	int32		plannable;
} BlobHeader;

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

/* Appends the first n parameters; returns whether all their values are there. */
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
 * Returns the statement's own part of a text, cut to the allowed length at a whole
 * character, redacted if so set; *skipped is the length of what was left out at its start.
 */
char *
po_blob_text(const PoBlobText *source, bool *whole, int *skipped)
{
	const char *start = source->start + Max(source->location, 0);
	int			length = source->length;
	char	   *text;

	if (length <= 0)
		length = (int) strlen(start);
	while (length > 0 && isspace((unsigned char) start[length - 1]))
		length--;
	*skipped = po_text_prepare_length(start, Min(length, po_settings_sample_length));
	while (*skipped < length && isspace((unsigned char) start[*skipped]))
		(*skipped)++;
	start += *skipped;
	length -= *skipped;
	*whole = length <= po_settings_sample_length;
	if (!*whole)
		length = pg_mbcliplen(start, length, po_settings_sample_length);
	text = pnstrdup(start, length);
	if (!po_settings_redact_samples && !source->secret)
		return text;
	return po_text_redact(text, source->secret && !po_settings_redact_samples);
}

/*
 * Builds the blob of an execution in the current memory context.  params is NULL
 * where their values cannot be read; then, and where variables of procedures stand by their
 * names in the text, it does not plan as it is.
 */
void
po_blob_build(StringInfo blob, const PoLocal *local, const PoBlobText *source, ParamListInfo params)
{
	BlobHeader	header = {0};
	bool		whole;
	int			skipped;
	char	   *text = po_blob_text(source, &whole, &skipped);
	const char *path = namespace_search_path;
	bool		named = params != NULL && source->nparams > 0 && params->paramFetch != NULL;

	header.text_length = (int32) strlen(text);
	header.path_length = (int32) Min(strlen(path), (Size) po_settings_sample_length);
	header.nparams = params == NULL ? 0 : Min(source->nparams, MAX_PARAMS);
	header.first_const = local->first_const;
	header.nconsts = local->parsed ? local->nconsts : -1;
	initStringInfo(blob);
	appendBinaryStringInfo(blob, (const char *) &header, sizeof(header));
	appendBinaryStringInfo(blob, text, header.text_length);
	appendBinaryStringInfo(blob, path, header.path_length);
	appendBinaryStringInfo(blob, (const char *) local->const_types, Max(header.nconsts, 0) * sizeof(Oid));
	header.plannable = append_params(blob, params, header.nparams) && whole && !named && po_text_is_plannable(text) &&
		header.nparams == source->nparams && header.path_length == (int32) strlen(path) && !po_settings_redact_samples;
	memcpy(blob->data, &header, sizeof(header));
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
po_blob_read(const PoTrackEntry *entry, PoSampleKind kind)
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
