/*
 * text.c
 *	  Statement texts: without constants, and rewritten for all values at once.
 *
 * A small scanner that knows quotes, comments, numbers and names, and nothing of
 * the grammar.  Pure: touches no catalog and no shared memory.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "workload/text.h"

/* Tells whether a byte can be in a name. */
static bool
is_name(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || (unsigned char) c >= 0x80;
}

/* Returns the byte after a string that starts with a quote; backslashes escape where "escapes". */
static const char *
skip_quoted(const char *at, char quote, bool escapes)
{
	for (at++; *at != '\0'; at++)
	{
		if (escapes && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == quote && at[1] == quote)
			at++;
		else if (*at == quote)
			return at + 1;
	}
	return at;
}

/* Returns the byte after a dollar-quoted string, or NULL when this is none. */
static const char *
skip_dollar(const char *at)
{
	const char *end = at + 1;
	const char *closing;
	char	   *tag;

	if (isdigit((unsigned char) *end))
		return NULL;
	while (is_name(*end) && *end != '$')
		end++;
	if (*end != '$')
		return NULL;
	tag = pnstrdup(at, end - at + 1);
	closing = strstr(end + 1, tag);
	end = closing == NULL ? end + strlen(end) : closing + strlen(tag);
	pfree(tag);
	return end;
}

/* Returns the byte after a comment, or NULL when this is none. */
static const char *
skip_comment(const char *at)
{
	const char *end;

	if (at[0] == '-' && at[1] == '-')
	{
		end = strchr(at, '\n');
		return end == NULL ? at + strlen(at) : end;
	}
	if (at[0] == '/' && at[1] == '*')
	{
		end = strstr(at + 2, "*/");
		return end == NULL ? at + strlen(at) : end + 2;
	}
	return NULL;
}

/* Returns the byte after a string constant, with its prefix, or NULL when this is none. */
static const char *
skip_string(const char *at)
{
	if (*at == '\'')
		return skip_quoted(at, '\'', false);
	if (strchr("eEbBxXnN", *at) != NULL && *at != '\0' && at[1] == '\'')
		return skip_quoted(at + 1, '\'', *at == 'e' || *at == 'E');
	if ((*at == 'u' || *at == 'U') && at[1] == '&' && at[2] == '\'')
		return skip_quoted(at + 2, '\'', false);
	if (*at == '$')
		return skip_dollar(at);
	return NULL;
}

/* Returns the byte after a name, a parameter or a number. */
static const char *
skip_word(const char *at)
{
	bool		number = isdigit((unsigned char) *at);

	while (is_name(*at) || (number && *at == '.'))
		at++;
	return at;
}

/*
 * Returns a copy of a text in which each string constant is '?', and each number
 * ? unless keep_numbers; comments, which may hold anything, are left out.
 */
char *
po_text_redact(const char *text, bool keep_numbers)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*text != '\0')
	{
		const char *end;

		if ((end = skip_comment(text)) != NULL)
			appendStringInfoChar(&out, ' ');
		else if ((end = skip_string(text)) != NULL)
			appendStringInfoString(&out, "'?'");
		else if (*text == '"')
		{
			end = skip_quoted(text, '"', false);
			appendBinaryStringInfo(&out, text, end - text);
		}
		else if (is_name(*text))
		{
			end = skip_word(text);
			if (isdigit((unsigned char) *text) && !keep_numbers)
				appendStringInfoChar(&out, '?');
			else
				appendBinaryStringInfo(&out, text, end - text);
		}
		else
		{
			end = text + 1;
			appendStringInfoChar(&out, *text);
		}
		text = end;
	}
	return out.data;
}

/* Returns the highest $n of a text. */
static int
highest_param(const char *text)
{
	int			highest = 0;

	while (*text != '\0')
	{
		const char *end = skip_comment(text);

		if (end == NULL)
			end = skip_string(text);
		if (end == NULL && *text == '"')
			end = skip_quoted(text, '"', false);
		if (end == NULL && is_name(*text))
			end = skip_word(text);
		if (*text == '$' && isdigit((unsigned char) text[1]))
			highest = Max(highest, atoi(text + 1));
		text = end == NULL ? text + 1 : end;
	}
	return highest;
}

/* Returns the byte after a value and the casts behind it, or NULL when it is not a simple one. */
static const char *
skip_value(const char *at)
{
	const char *end = skip_string(at);

	if (end == NULL && (isdigit((unsigned char) *at) || *at == '$'))
		end = skip_word(at);
	if (end == NULL)
		return NULL;
	while (end[0] == ':' && end[1] == ':')
	{
		end += 2;
		end = *end == '"' ? skip_quoted(end, '"', false) : skip_word(end);
		if (*end == '.' || *end == '(' || *end == '[')
			return NULL;
	}
	return end;
}

/* Returns the byte after blanks and comments. */
static const char *
skip_blanks(const char *at)
{
	const char *end;

	while (true)
	{
		while (isspace((unsigned char) *at))
			at++;
		if ((end = skip_comment(at)) == NULL)
			return at;
		at = end;
	}
}

/* Tells whether a text begins with a keyword and a blank. */
static bool
begins_with(const char *text, const char *word)
{
	Size		length = strlen(word);

	return pg_strncasecmp(text, word, length) == 0 && isspace((unsigned char) text[length]);
}

/*
 * Returns the length of "PREPARE name (types) AS " at the start of a text of that
 * length, 0 for any other text: what follows is the statement that a prepared one runs.
 */
int
po_text_prepare_length(const char *text, int length)
{
	char	   *copy = pnstrdup(text, length);
	const char *at = skip_blanks(copy);
	int			skipped = 0;

	if (begins_with(at, "prepare"))
	{
		at = skip_blanks(at + strlen("prepare"));
		at = skip_blanks(*at == '"' ? skip_quoted(at, '"', false) : skip_word(at));
		if (*at == '(')
		{
			at = strchr(at, ')');
			at = at == NULL ? copy : skip_blanks(at + 1);
		}
		if (begins_with(at, "as"))
			skipped = (int) (skip_blanks(at + strlen("as")) - copy);
	}
	pfree(copy);
	return skipped;
}

/* Appends a text without what ends it: blanks and semicolons. */
static void
append_trimmed(StringInfo out, const char *text)
{
	Size		length = strlen(text);

	while (length > 0 && (isspace((unsigned char) text[length - 1]) || text[length - 1] == ';'))
		length--;
	appendBinaryStringInfo(out, text, length);
}

/* Appends the text with the value replaced by ANY of an array, and the column as the first of the result. */
static void
append_plain(StringInfo out, const char *text, const PoRewrite *rewrite, const char *end, int param)
{
	const char *list = text + strlen("select");
	const char *column = text + rewrite->column_location;

	while (isspace((unsigned char) *list))
		list++;
	appendBinaryStringInfo(out, text, list - text);
	if (*list != '*')
	{
		const char *after = column;

		while (is_name(*after) || *after == '.' || *after == '"')
			after = *after == '"' ? skip_quoted(after, '"', false) : after + 1;
		appendBinaryStringInfo(out, column, after - column);
		appendStringInfoString(out, ", ");
	}
	appendBinaryStringInfo(out, list, text + rewrite->location - list);
	appendStringInfo(out, "ANY($%d::%s[])", param, rewrite->type);
	append_trimmed(out, end);
}

/* Appends the text as a subquery that runs once for each value. */
static void
append_lateral(StringInfo out, const char *text, const PoRewrite *rewrite, const char *end, int param)
{
	appendStringInfo(out, "SELECT k.key, q.* FROM unnest($%d::%s[]) AS k(key) CROSS JOIN LATERAL (",
					 param, rewrite->type);
	appendBinaryStringInfo(out, text, rewrite->location);
	appendStringInfoString(out, "k.key");
	append_trimmed(out, end);
	appendStringInfoString(out, "\n) AS q");
}

/*
 * Returns a statement that does for all values in one call what the given one
 * does for one value, in the current memory context: the same statement with "= ANY"
 * of an array, or around it where it groups or limits its rows.  Where the text
 * cannot be changed safely, it is a plain read of the relation.
 */
char *
po_text_rewrite(const char *text, const PoRewrite *rewrite)
{
	StringInfoData out;
	const char *value = text + rewrite->location;
	const char *end = NULL;
	int			param;

	initStringInfo(&out);
	if (rewrite->readable && rewrite->location < (int) strlen(text) && begins_with(text, "select"))
		end = skip_value(value);
	if (end == NULL)
	{
		appendStringInfo(&out, "SELECT * FROM %s WHERE %s = ANY($1::%s[])",
						 rewrite->relation, rewrite->column, rewrite->type);
		return out.data;
	}
	param = *value == '$' && isdigit((unsigned char) value[1]) ? atoi(value + 1) : highest_param(text) + 1;
	if (rewrite->plain && rewrite->column_location < rewrite->location)
		append_plain(&out, text, rewrite, end, param);
	else
		append_lateral(&out, text, rewrite, end, param);
	return out.data;
}
