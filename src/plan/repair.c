/*
 * repair.c
 *	  Making normalised statement texts parse again.
 *
 * Statistics extensions replace each constant of a statement by a parameter, also
 * where the grammar wants a literal: interval $1, date $1, extract($1 from x).  Such
 * a text is never valid as it stands, so it can be rewritten without asking:
 *
 *	  interval $1 day			CAST($1 AS interval day)
 *	  timestamp(3) with time zone $1	CAST($1 AS timestamp(3) with time zone)
 *	  extract($1 from x)		pg_catalog.extract($1, x)
 *
 * Any other name before a parameter may be a type's, too: app.color $1.  Where it could
 * be a keyword it is left alone, and all such are until the text turns out not to parse.
 *
 * Pure: works on the text alone.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "plan/repair.h"

typedef enum TokenKind
{
	TOKEN_WORD,
	TOKEN_PARAM,				/* $1 */
	TOKEN_OTHER					/* a quoted thing, a number, an operator
								 * character */
} TokenKind;

typedef struct Token
{
	TokenKind	kind;
	size_t		start;
	size_t		end;
} Token;

typedef struct Tokens
{
	const char *text;
	int			n;
	int			allocated;
	Token	   *tokens;
} Tokens;

/* Types whose name the grammar takes before a literal, and that applications write so. */
static const char *const type_names[] = {
	"bit", "bool", "boolean", "bytea", "cidr", "date", "decimal", "float4", "float8", "inet", "int",
	"int4", "int8", "integer", "interval", "json", "jsonb", "numeric", "smallint", "bigint", "text",
	"time", "timestamp", "timestamptz", "timetz", "tsquery", "tsvector", "uuid", "varchar"
};

/* Words that may stand before a parameter without being a type. */
static const char *const keywords[] = {
	"all", "and", "any", "as", "asymmetric", "between", "both", "by", "case", "default", "distinct", "else",
	"escape", "except", "exclude", "first", "following", "for", "from", "groups", "having", "ilike", "in",
	"intersect", "into", "is", "isnull", "leading", "like", "limit", "next", "not", "notnull", "offset", "on",
	"only", "operator", "or", "over", "overlaps", "passing", "placing", "preceding", "range", "returning",
	"row", "rows", "select", "set", "similar", "some", "symmetric", "tablesample", "then", "to", "trailing",
	"union", "using", "value", "values", "variadic", "when", "where", "with", "zone"
};

/* Words that statements with a plan begin with; DECLARE names a query that has one. */
static const char *const planned[] = {
	"declare", "delete", "insert", "merge", "select", "table", "update", "values", "with"
};

/* Tells whether a character may begin an unquoted name. */
static bool
begins_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

/* Tells whether a character may continue an unquoted name. */
static bool
continues_word(unsigned char c)
{
	return begins_word(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Returns the end of a quoted string or name that starts at text[i]. */
static size_t
skip_quoted(const char *text, size_t i, bool backslashes)
{
	char		quote = text[i++];

	while (text[i] != '\0')
	{
		if (backslashes && text[i] == '\\' && text[i + 1] != '\0')
			i += 2;
		else if (text[i++] == quote)
		{
			if (text[i] != quote)
				return i;
			i++;
		}
	}
	return i;
}

/* Returns the end of a dollar-quoted string that starts at text[i], or i when none does. */
static size_t
skip_dollar_quoted(const char *text, size_t i)
{
	size_t		tag = i + 1;
	const char *end;
	char	   *delimiter;

	if (begins_word((unsigned char) text[tag]))
		while (begins_word((unsigned char) text[tag]) || (text[tag] >= '0' && text[tag] <= '9'))
			tag++;
	if (text[tag] != '$')
		return i;
	tag++;
	delimiter = pnstrdup(text + i, tag - i);
	end = strstr(text + tag, delimiter);
	i = end ? (size_t) (end - text) + strlen(delimiter) : tag + strlen(text + tag);
	pfree(delimiter);
	return i;
}

/* Returns the end of white space and comments from text[i] on. */
static size_t
skip_space(const char *text, size_t i)
{
	for (;;)
	{
		while (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
			i++;
		if (text[i] == '-' && text[i + 1] == '-')
			i += strcspn(text + i, "\n\r");
		else if (text[i] == '/' && text[i + 1] == '*')
		{
			int			depth = 1;

			for (i += 2; depth > 0 && text[i] != '\0'; i++)
			{
				if (text[i] == '/' && text[i + 1] == '*')
					depth++, i++;
				else if (text[i] == '*' && text[i + 1] == '/')
					depth--, i++;
			}
		}
		else
			return i;
	}
}

/* Returns the end of the token at text[i] and its kind. */
static size_t
scan_token(const char *text, size_t i, TokenKind *kind)
{
	size_t		end = i;

	*kind = TOKEN_OTHER;
	if (begins_word((unsigned char) text[i]))
	{
		while (continues_word((unsigned char) text[end]))
			end++;
		/* A string with a prefix is one token: E'..', N'..', U&".." */
		if (text[end] == '\'' && end == i + 1)
			return skip_quoted(text, end, text[i] == 'e' || text[i] == 'E');
		*kind = TOKEN_WORD;
		return end;
	}
	if (text[i] == '\'' || text[i] == '"')
		return skip_quoted(text, i, false);
	if (text[i] != '$')
		return i + 1;
	for (end = i + 1; text[end] >= '0' && text[end] <= '9'; end++)
		;
	if (end > i + 1)
	{
		*kind = TOKEN_PARAM;
		return end;
	}
	end = skip_dollar_quoted(text, i);
	return end > i ? end : i + 1;
}

/* Splits a text into tokens. */
static void
scan(Tokens *tokens)
{
	size_t		i = 0;

	for (;;)
	{
		Token	   *token;

		i = skip_space(tokens->text, i);
		if (tokens->text[i] == '\0')
			return;
		if (tokens->n == tokens->allocated)
		{
			tokens->allocated *= 2;
			tokens->tokens = repalloc(tokens->tokens,
									  sizeof(Token) * (size_t) tokens->allocated);
		}
		token = &tokens->tokens[tokens->n++];
		token->start = i;
		token->end = i = scan_token(tokens->text, i, &token->kind);
	}
}

/* Tells whether token number i is this word, in any case. */
static bool
is_word(const Tokens *tokens, int i, const char *word)
{
	const Token *token;

	if (i < 0 || i >= tokens->n)
		return false;
	token = &tokens->tokens[i];
	return token->kind == TOKEN_WORD && token->end - token->start == strlen(word) &&
		pg_strncasecmp(tokens->text + token->start, word, strlen(word)) == 0;
}

/* Tells whether token number i is this one character. */
static bool
is_char(const Tokens *tokens, int i, char c)
{
	return i >= 0 && i < tokens->n && tokens->tokens[i].kind == TOKEN_OTHER &&
		tokens->text[tokens->tokens[i].start] == c;
}

/* Returns the token of the opening parenthesis that token number i closes, or -1. */
static int
opening_parenthesis(const Tokens *tokens, int i)
{
	int			depth = 0;

	for (; i >= 0; i--)
	{
		if (is_char(tokens, i, ')'))
			depth++;
		else if (is_char(tokens, i, '(') && --depth == 0)
			return i;
	}
	return -1;
}

/* Returns the last token before a precision like (3) that ends at token number i; i itself where there is none. */
static int
before_precision(const Tokens *tokens, int i)
{
	return is_char(tokens, i, ')') ? opening_parenthesis(tokens, i) - 1 : i;
}

/* Tells whether token number i is one of some words. */
static bool
is_one_of(const Tokens *tokens, int i, const char *const *words, int n)
{
	for (int j = 0; j < n; j++)
		if (is_word(tokens, i, words[j]))
			return true;
	return false;
}

/* Returns the first token of a name, qualified or not, whose last one is token number last. */
static int
qualified_name(const Tokens *tokens, int last)
{
	while (is_char(tokens, last - 1, '.') && last >= 2)
		last -= 2;
	return last;
}

/* Tells whether token number i is a name that no keyword is, or a quoted one. */
static bool
is_name(const Tokens *tokens, int i)
{
	if (i < 0)
		return false;
	if (tokens->tokens[i].kind == TOKEN_WORD)
		return !is_one_of(tokens, i, keywords, lengthof(keywords));
	return tokens->text[tokens->tokens[i].start] == '"' &&
		tokens->tokens[i].end > tokens->tokens[i].start + 1;
}

/*
 * Returns the first token of a type name that ends right before token number param, or
 * -1; with any_name that of any name which is no keyword.
 */
static int
type_before(const Tokens *tokens, int param, bool any_name)
{
	int			first = param - 1;

	if (is_word(tokens, first, "zone") && is_word(tokens, first - 1, "time") &&
		(is_word(tokens, first - 2, "with") || is_word(tokens, first - 2, "without")))
		first -= 3;
	first = before_precision(tokens, first);
	if ((is_word(tokens, first, "varying") &&
		 (is_word(tokens, first - 1, "character") || is_word(tokens, first - 1, "bit"))) ||
		(is_word(tokens, first, "precision") && is_word(tokens, first - 1, "double")))
		return first - 1;
	if (is_one_of(tokens, first, type_names, lengthof(type_names)) &&
		!is_char(tokens, first - 1, '.') && !is_word(tokens, first - 1, "as"))
		return first;
	if (any_name && is_name(tokens, first))
		return qualified_name(tokens, first);
	return -1;
}

/* Returns the last token of the fields of an interval that follow token number param, or param itself. */
static int
fields_after(const Tokens *tokens, int param)
{
	static const char *const fields[] = {"year", "month", "day", "hour", "minute", "second"};
	int			last = param;

	if (!is_one_of(tokens, param + 1, fields, lengthof(fields)))
		return param;
	last++;
	if (is_word(tokens, last + 1, "to") && is_one_of(tokens, last + 2, fields, lengthof(fields)))
		last += 2;
	return last;
}

/* Appends the text from position *done up to position end, and moves *done there. */
static void
copy_until(StringInfo result, const char *text, size_t *done, size_t end)
{
	appendBinaryStringInfo(result, text + *done, end - *done);
	*done = end;
}

/* Appends a repaired form of what stands around parameter number i, if it needs one. */
static void
repair_parameter(const Tokens *tokens, int i, bool any_name, StringInfo result, size_t *done)
{
	const char *text = tokens->text;
	const Token *param = &tokens->tokens[i];
	int			type = type_before(tokens, i, any_name);

	if (type >= 0)
	{
		const Token *first = &tokens->tokens[type];
		const Token *last = &tokens->tokens[is_word(tokens, type, "interval") ? fields_after(tokens, i) : i];

		copy_until(result, text, done, first->start);
		appendStringInfo(result, "CAST(%.*s AS %.*s%.*s)", (int) (param->end - param->start),
						 text + param->start, (int) (tokens->tokens[i - 1].end - first->start),
						 text + first->start, (int) (last->end - param->end), text + param->end);
		*done = last->end;
	}
	else if (is_char(tokens, i - 1, '(') && is_word(tokens, i - 2, "extract") &&
			 is_word(tokens, i + 1, "from") && !is_char(tokens, i - 3, '.'))
	{
		copy_until(result, text, done, tokens->tokens[i - 2].start);
		appendStringInfoString(result, "pg_catalog.");
		copy_until(result, text, done, param->end);
		appendStringInfoChar(result, ',');
		*done = tokens->tokens[i + 1].end;
	}
}

/* Tells whether a text may hold a parameter. */
bool
po_repair_has_parameter(const char *text)
{
	for (text = strchr(text, '$'); text != NULL; text = strchr(text + 1, '$'))
		if (text[1] >= '0' && text[1] <= '9')
			return true;
	return false;
}

/* Tells whether a text begins like a utility statement, which has no plan; it need not parse. */
bool
po_repair_begins_utility(const char *text)
{
	Token		token = {.start = skip_space(text, 0)};
	Tokens		first = {.text = text,.n = 1,.tokens = &token};

	token.end = scan_token(text, token.start, &token.kind);
	return token.kind == TOKEN_WORD && !is_one_of(&first, 0, planned, lengthof(planned));
}

/*
 * Returns the text with parameters that stand where the grammar wants a literal
 * rewritten; the text itself when there are none, else a palloc'd copy.  With any_name
 * every name before a parameter that is no keyword is taken for a type's.
 */
const char *
po_repair_text(const char *text, bool any_name)
{
	Tokens		tokens = {.text = text,.allocated = 256};
	StringInfoData result;
	size_t		done = 0;

	if (!po_repair_has_parameter(text))
		return text;
	tokens.tokens = palloc(sizeof(Token) * tokens.allocated);
	scan(&tokens);
	initStringInfo(&result);
	for (int i = 0; i < tokens.n; i++)
		if (tokens.tokens[i].kind == TOKEN_PARAM)
			repair_parameter(&tokens, i, any_name, &result, &done);
	pfree(tokens.tokens);
	if (done == 0)
	{
		pfree(result.data);
		return text;
	}
	copy_until(&result, text, &done, strlen(text));
	return result.data;
}
