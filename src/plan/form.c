/*
 * form.c
 *	  What an index that could be built is made of, in numbers.
 *
 * From what a statement needs of a table and reads of it to the B-trees worth trying:
 * keys alone, and with the other columns that it reads included, so that the table
 * need not be visited.  Pure: plain arrays, no server state.
 */
#include "postgres.h"

#include "plan/form.h"

/* The forms made so far. */
typedef struct FormList
{
	PoForm	   *forms;
	int			nforms;
	int			max;
} FormList;

/* Says whether two forms are the same index. */
bool
po_form_equal(const PoForm *a, const PoForm *b)
{
	return memcmp(a, b, sizeof(PoForm)) == 0;
}

/* Says whether a plain column is in a form's key. */
static bool
in_key(const PoForm *form, int column)
{
	for (int i = 0; i < form->key.ncolumns; i++)
	{
		if (PO_COLUMN_ATTNUM(form->key.columns[i]) == column)
			return true;
	}
	return false;
}

/* Says whether a column is among those that a form holds beside its key. */
static bool
is_included(const PoForm *form, int column)
{
	for (int i = 0; i < form->nincluded; i++)
	{
		if (form->included[i] == column)
			return true;
	}
	return false;
}

/* Adds one column to those that a form holds, keeping them sorted; returns false when there is no room. */
static bool
include_column(PoForm *form, int column)
{
	int			i;

	if (in_key(form, column) || is_included(form, column))
		return true;
	if (form->nincluded == PO_INCLUDED_COLUMNS)
		return false;
	for (i = form->nincluded; i > 0 && form->included[i - 1] > column; i--)
		form->included[i] = form->included[i - 1];
	form->included[i] = column;
	form->nincluded++;
	return true;
}

/* Makes a form hold columns that its key has not; returns false when they are too many. */
bool
po_form_include(PoForm *form, const int *columns, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		if (!include_column(form, columns[i]))
			return false;
	}
	return true;
}

/* Says whether two keys have the same operator classes as far as the shorter one goes. */
static bool
same_classes(const PoForm *a, const PoForm *b, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		if (a->classes[i] != b->classes[i])
			return false;
	}
	return true;
}

/*
 * Says whether an index of one form serves all that one of another serves: it is of
 * the same kind, begins with the other's key and holds all that the other holds.
 */
bool
po_form_serves(const PoForm *wide, const PoForm *narrow)
{
	if (wide->method != narrow->method || wide->predicate != narrow->predicate ||
		!po_candidate_is_prefix(&narrow->key, &wide->key) ||
		!same_classes(wide, narrow, narrow->key.ncolumns))
		return false;
	for (int i = 0; i < narrow->nincluded; i++)
	{
		if (!in_key(wide, narrow->included[i]) && !is_included(wide, narrow->included[i]))
			return false;
	}
	return true;
}

/*
 * Makes *merged the form that serves all that two forms serve, the first one's key
 * beginning with the second one's; returns false when there is none.
 */
bool
po_form_merge(const PoForm *wide, const PoForm *narrow, PoForm *merged)
{
	if (wide->method != narrow->method || wide->predicate != narrow->predicate ||
		!po_candidate_is_prefix(&narrow->key, &wide->key) ||
		!same_classes(wide, narrow, narrow->key.ncolumns))
		return false;
	*merged = *wide;
	return po_form_include(merged, narrow->included, narrow->nincluded);
}

/* Adds a form unless it is there or the list is full. */
static void
add_form(FormList *list, const PoForm *form)
{
	if (list->nforms >= list->max)
		return;
	for (int i = 0; i < list->nforms; i++)
	{
		if (po_form_equal(&list->forms[i], form))
			return;
	}
	list->forms[list->nforms++] = *form;
}

/* Adds the form of a key, and the one that holds all that is read beside it. */
static void
add_key(FormList *list, const PoFetched *fetched, const PoKey *key)
{
	PoForm		form;

	memset(&form, 0, sizeof(form));
	form.key.ncolumns = key->ncolumns;
	for (int i = 0; i < key->ncolumns; i++)
		form.key.columns[i] = key->columns[i];
	form.predicate = fetched->predicate;
	add_form(list, &form);
	if (fetched->coverable && po_form_include(&form, fetched->columns, fetched->ncolumns) &&
		form.nincluded > 0)
		add_form(list, &form);
}

/* Removes from a list of columns those that a predicate fixes; returns their number. */
static int
remove_fixed(int *columns, int ncolumns, const PoFetched *fetched)
{
	int			n = 0;

	for (int i = 0; i < ncolumns; i++)
	{
		bool		fixed = false;

		for (int j = 0; j < fetched->nfixed; j++)
			fixed |= fetched->fixed[j] == columns[i];
		if (!fixed)
			columns[n++] = columns[i];
	}
	return n;
}

/*
 * Adds an index where nothing that is needed gives a key: a narrow copy of the table, or
 * the rows that satisfy a predicate.
 */
static void
add_copy(FormList *list, const PoFetched *fetched)
{
	PoKey		key = {1, {0}};

	if (list->nforms > 0)
		return;
	if (fetched->coverable && fetched->ncolumns > 0)
		key.columns[0] = fetched->columns[0];
	else if (fetched->nfixed > 0)
		key.columns[0] = fetched->fixed[0];
	else
		return;
	add_key(list, fetched, &key);
}

/*
 * Writes the B-trees worth trying for one use of a table, with one predicate or none,
 * into forms, each once, at most max of them, and returns their number.
 */
int
po_form_generate(const PoNeeds *needs, const PoFetched *fetched, PoForm *forms, int max)
{
	FormList	list = {forms, 0, max};
	PoNeeds		open = *needs;
	PoKey	   *keys = palloc(sizeof(PoKey) * max);
	int			nkeys;

	open.nequal = remove_fixed(open.equal, open.nequal, fetched);
	open.nrange = remove_fixed(open.range, open.nrange, fetched);
	nkeys = po_candidate_generate(&open, keys, max);
	for (int i = 0; i < nkeys; i++)
		add_key(&list, fetched, &keys[i]);
	add_copy(&list, fetched);
	pfree(keys);
	return list.nforms;
}
