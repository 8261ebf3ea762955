/*
 * filter_text.c
 *	  Conditions as EXPLAIN prints them: splitting them, and what a comparison compares.
 *
 * The server prints each expression in parentheses of its own, names quoted where they
 * must be, and each constant as a literal with its type.  What is not understood is
 * PO_FILTER_OTHER.  Pure: no catalog.
 */
#include "postgres.h"

#include <ctype.h>

#include "explain/filter_text.h"

/* Planner constants as the server ships them, and what a function may cost that is not written in C. */
#define TUPLE_COST 0.01
#define OPERATOR_COST 0.0025
#define FUNCTION_COST 0.25
/* The server prints no more parentheses than a few around the whole of a condition. */
#define MAX_AROUND 4

/* Conversions that are no mere relabelling, whatever the column's type. */
static const char *const converting_types[] = {"numeric", "double precision"};
static const char *const rounding_types[] = {
	"date", "timestamp without time zone", "timestamp with time zone"
};

/* Returns the place after a quoted literal or name that begins here. */
static const char *
skip_quoted(const char *place)
{
	char		quote = *place++;

	for (; *place != '\0'; place++)
		if (*place == quote)
		{
			if (place[1] != quote)
				return place + 1;
			place++;
		}
	return place;
}

/* Returns the place of the next character that stands outside quotes and parentheses. */
static const char *
skip_element(const char *place)
{
	int			depth = 0;

	do
	{
		if (*place == '\'' || *place == '"')
			place = skip_quoted(place);
		else
		{
			if (*place == '(' || *place == '[')
				depth++;
			else if (*place == ')' || *place == ']')
				depth--;
			place++;
		}
	} while (depth > 0 && *place != '\0');
	return place;
}

/* Returns a text without the parentheses around the whole of it, palloc'd. */
static char *
strip_parentheses(const char *text)
{
	char	   *copy = pstrdup(text);
	int			length = strlen(copy);

	for (int i = 0; i < MAX_AROUND && length > 2 && copy[0] == '(' &&
		 copy[length - 1] == ')' && *skip_element(copy) == '\0'; i++)
	{
		length -= 2;
		memmove(copy, copy + 1, length);
		copy[length] = '\0';
	}
	return copy;
}

/*
 * Splits a condition at a word, " AND " or " OR ", that joins its parts; returns the *n
 * parts, the whole condition when the word does not join any.
 */
char	  **
po_filter_text_split(const char *condition, const char *word, int *n)
{
	char	   *text = strip_parentheses(condition);
	const char *begin = text;
	const char *place = text;
	int			allocated = 4;
	char	  **parts = palloc(sizeof(char *) * allocated);

	*n = 0;
	while (*place != '\0')
	{
		if (strncmp(place, word, strlen(word)) != 0)
		{
			place = skip_element(place);
			continue;
		}
		if (*n + 2 > allocated)
			parts = repalloc(parts, sizeof(char *) * (allocated *= 2));
		parts[(*n)++] = pnstrdup(begin, place - begin);
		begin = place += strlen(word);
	}
	parts[(*n)++] = pstrdup(begin);
	return parts;
}

/* Tells whether a character can stand in an operator's name. */
static bool
is_operator_character(char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

/* Returns the first operator between spaces outside parentheses, and its length; NULL for none. */
static const char *
find_operator(const char *text, int *length)
{
	for (const char *place = text; *place != '\0'; place = skip_element(place))
	{
		*length = 0;
		if (*place != ' ')
			continue;
		while (is_operator_character(place[1 + *length]))
			(*length)++;
		if (*length > 0 && place[1 + *length] == ' ')
			return place + 1;
	}
	return NULL;
}

/* Returns the place after a name, quoted or not, or NULL where none begins. */
static const char *
skip_name(const char *place)
{
	if (*place == '"')
		return skip_quoted(place);
	if (!isalpha((unsigned char) *place) && *place != '_' && !IS_HIGHBIT_SET(*place))
		return NULL;
	while (isalnum((unsigned char) *place) || *place == '_' || *place == '$' ||
		   IS_HIGHBIT_SET(*place))
		place++;
	return place;
}

/* Returns the column's name when a text is a column, with or without its table; else NULL. */
static char *
column_name(const char *text)
{
	const char *name = text;
	const char *end = skip_name(text);

	while (end != NULL && *end == '.')
	{
		name = end + 1;
		end = skip_name(name);
	}
	return end != NULL && *end == '\0' ? pstrdup(name) : NULL;
}

/* Returns the place after a type's name that follows "::". */
static const char *
skip_type(const char *place)
{
	while (*place != '\0' && strchr(",)]", *place) == NULL && !is_operator_character(*place))
		place = skip_element(place);
	return place;
}

/* Tells whether a word is one of EXPLAIN's own and no column. */
static bool
is_keyword(const char *word, int length)
{
	static const char *const words[] = {
		"FROM", "AND", "OR", "NOT", "IS", "NULL", "ANY", "ALL", "ARRAY", "ROW", "CASE", "WHEN",
		"THEN", "ELSE", "END", "true", "false", "AT", "TIME", "ZONE", "DISTINCT", "SubPlan",
		"InitPlan", "hashed"
	};

	for (int i = 0; i < lengthof(words); i++)
		if (strlen(words[i]) == length && strncmp(words[i], word, length) == 0)
			return true;
	return false;
}

/* Returns the last column that an expression's text names, or NULL for none. */
static char *
last_column(const char *text)
{
	char	   *found = NULL;

	for (const char *place = text; *place != '\0';)
	{
		const char *end = *place == '\'' ? skip_quoted(place) : skip_name(place);

		if (strncmp(place, "::", 2) == 0)
			place = skip_type(place);
		else if (end == NULL)
			place++;
		else
		{
			if (*place != '\'' && *end != '(' && *end != '\'' && *end != '.' &&
				!is_keyword(place, end - place))
				found = pnstrdup(place, end - place);
			place = end;
		}
	}
	return found;
}

/* Tells whether a word is in a list. */
static bool
is_in(const char *word, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

/* Fills in what a comparison's left side is. */
static void
fill_left(PoFilterClause *clause)
{
	const char *left = clause->left;
	const char *name_end = skip_name(left);
	const char *whole_end;

	clause->column = column_name(left);
	if (clause->column != NULL)
	{
		clause->shape = PO_FILTER_COLUMN;
		return;
	}
	whole_end = name_end != NULL && *name_end == '(' ? skip_element(name_end) :
		*left == '(' ? skip_element(left) : left;
	if (*left == '(' && strncmp(whole_end, "::", 2) == 0)
	{
		clause->column = column_name(strip_parentheses(pnstrdup(left, whole_end - left)));
		clause->type = pstrdup(whole_end + 2);
		if (clause->column == NULL)
			return;
		if (is_in(clause->type, converting_types, lengthof(converting_types)))
			clause->shape = PO_FILTER_CAST;
		else if (is_in(clause->type, rounding_types, lengthof(rounding_types)))
			clause->shape = PO_FILTER_FUNCTION;
	}
	else if (name_end != NULL && *name_end == '(' && *whole_end == '\0')
	{
		clause->column = last_column(left);
		if (clause->column != NULL)
			clause->shape = PO_FILTER_FUNCTION;
	}
}

/* Takes a comparison apart. */
PoFilterClause
po_filter_text_clause(const char *condition)
{
	PoFilterClause clause = {PO_FILTER_OTHER};
	char	   *text = strip_parentheses(condition);
	int			length;
	const char *op = find_operator(text, &length);

	clause.left = op ? pnstrdup(text, op - 1 - text) : text;
	clause.op = op ? pnstrdup(op, length) : pstrdup("");
	clause.right = op ? pstrdup(op + length + 1) : pstrdup("");

	/*
	 * $0 and on are what InitPlans or outer rows hand in: no columns, but no
	 * constants either.
	 */
	clause.constant = last_column(clause.right) == NULL && strchr(clause.right, '$') == NULL;
	if (op != NULL)
		fill_left(&clause);
	return clause;
}

/*
 * Returns an upper bound of what reading and testing one row costs by the planner's
 * default constants, functions taken as expensive.
 */
double
po_filter_text_row_cost(const char *condition)
{
	double		cost = TUPLE_COST + OPERATOR_COST;

	for (const char *place = condition; *place != '\0'; place++)
	{
		if (*place == ' ' || *place == ',')
			cost += OPERATOR_COST;
		if (*place == '(' && place > condition &&
			(isalnum((unsigned char) place[-1]) || strchr("_\"$", place[-1]) != NULL))
			cost += FUNCTION_COST;
	}
	return cost;
}
