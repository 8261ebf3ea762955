/*
 * key.c
 *	  What tells cached results apart.
 *
 * Two calls may share a result when the database, the role (the current one and the
 * session's), every setting that decides what the text means or what values look like,
 * the text, the parameters and the tags are the same.  Keys are compared whole, never by their hash alone.
 */
#include "postgres.h"

#include "cache/key.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"

/* Settings that decide what a query means, which rows it sees, or what its values look like. */
static const char *const settings[] = {
	"DateStyle", "IntervalStyle", "TimeZone", "array_nulls", "backslash_quote", "bytea_output",
	"default_text_search_config", "extra_float_digits", "gin_fuzzy_search_limit", "lc_monetary",
	"lc_numeric", "lc_time", "row_security", "search_path", "standard_conforming_strings",
	"timezone_abbreviations", "transform_null_equals", "xmlbinary", "xmloption"
};

/* Appends a text and its end. */
static void
append(StringInfo data, const char *text)
{
	appendBinaryStringInfo(data, text, strlen(text) + 1);
}

/* Builds the key of a call in the current memory context. */
void
po_cache_key_build(const PoCacheArgs *args, PoCacheKey *key)
{
	PoCacheKeyHead head = {MyDatabaseId, GetUserId(), GetSessionUserId(), args->ntags};
	StringInfoData data;

	initStringInfo(&data);
	appendBinaryStringInfo(&data, (char *) &head, sizeof(head));
	append(&data, args->query);
	for (int i = 0; i < args->ntags; i++)
		append(&data, args->tags[i]);
	for (int i = 0; i < lengthof(settings); i++)
	{
		const char *value = GetConfigOption(settings[i], true, false);

		append(&data, value != NULL ? value : "");
	}
	for (int i = 0; i < args->nvalues; i++)
	{
		appendStringInfoChar(&data, args->values[i] != NULL ? 'v' : 'n');
		append(&data, args->values[i] != NULL ? args->values[i] : "");
	}
	key->data = data.data;
	key->length = data.len;
	key->hash = hash_bytes_extended((unsigned char *) data.data, data.len, 0);
}

/* Returns the query's text in a key's bytes. */
const char *
po_cache_key_query(const char *data)
{
	return data + sizeof(PoCacheKeyHead);
}

/* Tells whether a key's bytes have a tag. */
bool
po_cache_key_has_tag(const char *data, const char *tag)
{
	PoCacheKeyHead head;
	const char *at = po_cache_key_query(data);

	memcpy(&head, data, sizeof(head));
	for (int i = 0; i < head.ntags; i++)
	{
		at += strlen(at) + 1;
		if (strcmp(at, tag) == 0)
			return true;
	}
	return false;
}
