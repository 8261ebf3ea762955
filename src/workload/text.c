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

/* What stands for a key in a rewritten statement. */
#define KEY_NAME_LENGTH 16

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

/* Returns the byte after a block comment, in which others may be nested. */
static const char *
skip_block_comment(const char *at)
{
	int			depth = 0;

	for (; *at != '\0'; at++)
	{
		if (at[0] == '/' && at[1] == '*')
		{
			depth++;
			at++;
		}
		else if (at[0] == '*' && at[1] == '/')
		{
			at++;
			if (--depth == 0)
				return at + 1;
		}
	}
	return at;
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
	return at[0] == '/' && at[1] == '*' ? skip_block_comment(at) : NULL;
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

/* Returns the byte after whatever stands here: a comment, a constant, a name or a single byte. */
static const char *
skip_token(const char *at)
{
	const char *end = skip_comment(at);

	if (end == NULL)
		end = skip_string(at);
	if (end == NULL && *at == '"')
		end = skip_quoted(at, '"', false);
	if (end == NULL && is_name(*at))
		end = skip_word(at);
	return end == NULL ? at + 1 : end;
}

/*
 * Returns the byte after a constant or a parameter with its sign, without casts,
 * or NULL when something else stands here.
 */
const char *
po_text_skip_value(const char *at)
{
	const char *end;

	if (*at == '-')
		return isdigit((unsigned char) at[1]) ? skip_word(at + 1) : NULL;
	end = skip_string(at);
	if (end == NULL && (isdigit((unsigned char) *at) || *at == '$'))
		end = skip_word(at);
	return end;
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

/* Returns n of a parameter $n that stands here, 0 for anything else. */
static int
param_number(const char *at)
{
	return at[0] == '$' && isdigit((unsigned char) at[1]) ? atoi(at + 1) : 0;
}

/* Returns the highest $n of a text. */
static int
highest_param(const char *text)
{
	int			highest = 0;

	for (; *text != '\0'; text = skip_token(text))
		highest = Max(highest, param_number(text));
	return highest;
}

/* Returns how often $n stands in a text. */
static int
count_param(const char *text, int param)
{
	int			n = 0;

	for (; *text != '\0'; text = skip_token(text))
		n += (param_number(text) == param);
	return n;
}

/* Tells whether a text has a name, in whatever case. */
static bool
has_word(const char *text, const char *word)
{
	Size		length = strlen(word);

	while (*text != '\0')
	{
		const char *end = skip_token(text);

		if (*text == '"' ? (Size) (end - text) == length + 2 && pg_strncasecmp(text + 1, word, length) == 0 :
			(Size) (end - text) == length && pg_strncasecmp(text, word, length) == 0)
			return true;
		text = end;
	}
	return false;
}

/* Tells whether a text, from ORDER BY on, has a bare number, which may stand for a column. */
static bool
may_order_by_number(const char *text)
{
	bool		ordered = false;

	for (; *text != '\0'; text = skip_token(text))
	{
		ordered |= (skip_token(text) == text + 5 && pg_strncasecmp(text, "order", 5) == 0);
		if (ordered && isdigit((unsigned char) *text))
			return true;
	}
	return false;
}

/* Returns the byte after the casts that stand here, or NULL when they are not simple. */
static const char *
skip_casts(const char *end)
{
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

/* Tells whether a text is a statement that can be planned by itself, and not what runs one, such as EXPLAIN or COPY. */
bool
po_text_is_plannable(const char *text)
{
	static const char *const words[] = {"select", "with", "insert", "update", "delete", "merge", "values", "table"};
	const char *start = skip_blanks(text);

	while (*start == '(')
		start = skip_blanks(start + 1);
	for (int i = 0; i < lengthof(words); i++)
		if (pg_strncasecmp(start, words[i], strlen(words[i])) == 0 && !is_name(start[strlen(words[i])]))
			return true;
	return false;
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

/* Returns the last byte before a place that is no blank, or 0. */
static char
byte_before(const char *text, const char *at)
{
	while (at > text && isspace((unsigned char) at[-1]))
		at--;
	return at > text ? at[-1] : '\0';
}

/* Tells whether a constant stands alone, and not behind the name of its type, as in date '2000-01-01'. */
static bool
stands_alone(const char *text, const char *at)
{
	static const char *const keywords[] = {"where", "and", "on", "when"};
	char		before = byte_before(text, at);
	const char *end = at;
	const char *start;

	if (strchr("=(,<>", before) != NULL && before != '\0')
		return true;
	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	for (start = end; start > text && is_name(start[-1]);)
		start--;
	for (int i = 0; i < lengthof(keywords); i++)
		if ((Size) (end - start) == strlen(keywords[i]) && pg_strncasecmp(start, keywords[i], end - start) == 0)
			return true;
	return false;
}

/* Tells whether all keys stand where a text says, and can be replaced there. */
static bool
are_replaceable(const char *text, const PoRewrite *rewrite)
{
	for (int i = 0; i < rewrite->nkeys; i++)
	{
		const PoRewriteKey *key = &rewrite->keys[i];

		if (key->location < 0 || key->location >= (int) strlen(text) ||
			po_text_skip_value(text + key->location) == NULL ||
			param_number(text + key->location) != key->param ||
			(key->param == 0 && !stands_alone(text, text + key->location)))
			return false;
	}
	return true;
}

/* Returns the start of the list of a SELECT before whose columns another one can be put, or NULL. */
static const char *
find_list(const char *text)
{
	const char *list = skip_blanks(text);

	if (!begins_with(list, "select"))
		return NULL;
	list = skip_blanks(list + strlen("select"));
	return begins_with(list, "all") || begins_with(list, "from") ? NULL : list;
}

/* Returns the byte after the value and its casts where "column = value" can become "column = ANY (array)", or NULL. */
static const char *
find_plain_end(const char *text, const PoRewrite *rewrite)
{
	const PoRewriteKey *key = &rewrite->keys[0];
	const char *value = text + key->location;

	if (!rewrite->plain || rewrite->nkeys != 1 || key->column == NULL ||
		key->column_location < 0 || key->column_location >= key->location ||
		find_list(text) == NULL || byte_before(text, value) != '=' ||
		(key->param > 0 && count_param(text, key->param) != 1) || may_order_by_number(value))
		return NULL;
	return skip_casts(po_text_skip_value(value));
}

/* Appends the text with the value replaced by ANY of an array, and the column as the first of the result. */
static void
append_plain(StringInfo out, const char *text, const PoRewrite *rewrite, const char *end)
{
	const PoRewriteKey *key = &rewrite->keys[0];
	const char *list = find_list(text);
	const char *column = text + key->column_location;
	const char *after = column;

	appendBinaryStringInfo(out, text, list - text);
	if (*list != '*')
	{
		while (is_name(*after) || *after == '.' || *after == '"')
			after = *after == '"' ? skip_quoted(after, '"', false) : after + 1;
		appendBinaryStringInfo(out, column, after - column);
		appendStringInfoString(out, ", ");
	}
	appendBinaryStringInfo(out, list, text + key->location - list);
	appendStringInfo(out, "ANY($%d::%s[])", key->param > 0 ? key->param : highest_param(text) + 1, key->type);
	append_trimmed(out, end);
}

/* Writes the name of the i-th key below the alias of all. */
static void
name_key(char *name, const PoRewrite *rewrite, int i)
{
	if (rewrite->nkeys == 1)
		strlcpy(name, "key", KEY_NAME_LENGTH);
	else
		snprintf(name, KEY_NAME_LENGTH, "key%d", i + 1);
}

/* Returns which key a token of the text is a value of, or -1. */
static int
find_key(const char *text, const char *at, const PoRewrite *rewrite)
{
	int			param = param_number(at);

	for (int i = 0; i < rewrite->nkeys; i++)
		if (param > 0 ? rewrite->keys[i].param == param : at == text + rewrite->keys[i].location)
			return i;
	return -1;
}

/* Returns a text with each key's value replaced by the key's name below an alias. */
static char *
replace_values(const char *text, const PoRewrite *rewrite, const char *alias)
{
	StringInfoData out;
	char		name[KEY_NAME_LENGTH];

	initStringInfo(&out);
	for (const char *at = text, *end; *at != '\0'; at = end)
	{
		int			key = find_key(text, at, rewrite);

		if (key < 0)
		{
			end = skip_token(at);
			appendBinaryStringInfo(&out, at, end - at);
			continue;
		}
		end = po_text_skip_value(at);
		name_key(name, rewrite, key);
		appendStringInfo(&out, "%s.%s", alias, name);
	}
	return out.data;
}

/* Appends "unnest(arrays)" of all keys; those that were constants get parameters of their own, from next on. */
static void
append_unnest(StringInfo out, const PoRewrite *rewrite, int next)
{
	appendStringInfoString(out, "unnest(");
	for (int i = 0; i < rewrite->nkeys; i++)
	{
		const PoRewriteKey *key = &rewrite->keys[i];

		appendStringInfo(out, "%s$%d::%s[]", i == 0 ? "" : ", ", key->param > 0 ? key->param : next++, key->type);
	}
	appendStringInfoChar(out, ')');
}

/* Appends the text as a subquery that runs once for each value. */
static void
append_lateral(StringInfo out, const char *text, const PoRewrite *rewrite)
{
	char		alias[KEY_NAME_LENGTH] = "k";
	char		name[KEY_NAME_LENGTH];

	for (int i = 1; has_word(text, alias); i++)
		snprintf(alias, sizeof(alias), "k%d", i);
	appendStringInfo(out, "SELECT %s.*, q.* FROM ", alias);
	append_unnest(out, rewrite, highest_param(text) + 1);
	appendStringInfo(out, " AS %s(", alias);
	for (int i = 0; i < rewrite->nkeys; i++)
	{
		name_key(name, rewrite, i);
		appendStringInfo(out, "%s%s", i == 0 ? "" : ", ", name);
	}
	appendStringInfoString(out, ") CROSS JOIN LATERAL (");
	append_trimmed(out, replace_values(text, rewrite, alias));
	appendStringInfoString(out, "\n) AS q");
}

/* Appends a plain read of the relation's rows that have the keys; returns false where a key is no column of it. */
static bool
append_read(StringInfo out, const PoRewrite *rewrite)
{
	for (int i = 0; i < rewrite->nkeys; i++)
		if (rewrite->keys[i].column == NULL)
			return false;
	if (rewrite->nkeys == 1)
	{
		appendStringInfo(out, "SELECT * FROM %s WHERE %s = ANY($1::%s[])",
						 rewrite->relation, rewrite->keys[0].column, rewrite->keys[0].type);
		return true;
	}
	appendStringInfo(out, "SELECT * FROM %s WHERE (", rewrite->relation);
	for (int i = 0; i < rewrite->nkeys; i++)
		appendStringInfo(out, "%s%s", i == 0 ? "" : ", ", rewrite->keys[i].column);
	appendStringInfoString(out, ") IN (SELECT * FROM unnest(");
	for (int i = 0; i < rewrite->nkeys; i++)
		appendStringInfo(out, "%s$%d::%s[]", i == 0 ? "" : ", ", i + 1, rewrite->keys[i].type);
	appendStringInfoString(out, "))");
	return true;
}

/*
 * Returns a statement that does for all values in one call what the given one
 * does for one value, in the current memory context: the same statement with "= ANY"
 * of an array, or around it where it groups or limits its rows, or has more than one key that differs.  Where the text
 * cannot be changed safely, it is a plain read of the relation; NULL where not even that is known.
 */
char *
po_text_rewrite(const char *text, const PoRewrite *rewrite)
{
	StringInfoData out;
	const char *end;

	initStringInfo(&out);
	if (!rewrite->readable || !are_replaceable(text, rewrite))
		return append_read(&out, rewrite) ? out.data : NULL;
	end = find_plain_end(text, rewrite);
	if (end != NULL)
		append_plain(&out, text, rewrite, end);
	else
		append_lateral(&out, text, rewrite);
	return out.data;
}
