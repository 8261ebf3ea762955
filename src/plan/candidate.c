/*
 * candidate.c
 *	  From what a statement needs of a table to the B-tree keys worth trying.
 *
 * A B-tree serves equalities on its leading columns, then one range or an order.
 * So a key is: some equality columns in any sequence (which one shares best with
 * other statements is the search's business), closed by range columns, by the
 * columns of a wanted order, or by nothing.  Pure: plain arrays, no server state.
 */
#include "postgres.h"

#include "plan/candidate.h"

/* The keys made so far. */
typedef struct KeyList
{
	PoKey	   *keys;
	int			nkeys;
	int			max;
} KeyList;

/* Adds a column to a list of at most PO_NEEDS_COLUMNS unless it is there. */
void
po_candidate_add_column(int *columns, int *ncolumns, int column)
{
	for (int i = 0; i < *ncolumns; i++)
	{
		if (columns[i] == column)
			return;
	}
	if (*ncolumns < PO_NEEDS_COLUMNS)
		columns[(*ncolumns)++] = column;
}

/* Adds a wanted order unless it is there, is empty or there are too many. */
void
po_candidate_add_order(PoNeeds *needs, const PoKey *order)
{
	for (int i = 0; i < needs->norders; i++)
	{
		if (po_candidate_equal(&needs->orders[i], order))
			return;
	}
	if (order->ncolumns > 0 && needs->norders < PO_NEEDS_ORDERS)
		needs->orders[needs->norders++] = *order;
}

/* Says whether two keys have the same columns in the same sequence and directions. */
bool
po_candidate_equal(const PoKey *a, const PoKey *b)
{
	if (a->ncolumns != b->ncolumns)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
	{
		if (a->columns[i] != b->columns[i])
			return false;
	}
	return true;
}

/*
 * Says whether a B-tree on one key serves all that one on another serves: it begins
 * with the same columns, all in the same direction or all in the opposite one (a
 * B-tree can be read backward).
 */
bool
po_candidate_is_prefix(const PoKey *prefix, const PoKey *key)
{
	bool		same = true;
	bool		opposite = true;

	if (prefix->ncolumns > key->ncolumns)
		return false;
	for (int i = 0; i < prefix->ncolumns; i++)
	{
		same &= prefix->columns[i] == key->columns[i];
		opposite &= prefix->columns[i] == -key->columns[i];
	}
	return same || opposite;
}

/* Says whether a key has a column, in whichever direction. */
static bool
has_column(const PoKey *key, int column)
{
	for (int i = 0; i < key->ncolumns; i++)
	{
		if (PO_COLUMN_ATTNUM(key->columns[i]) == PO_COLUMN_ATTNUM(column))
			return true;
	}
	return false;
}

/* Adds a key to the list unless it is there, is empty or the list is full. */
static void
add_key(KeyList *list, const PoKey *key)
{
	if (key->ncolumns == 0 || list->nkeys >= list->max)
		return;
	for (int i = 0; i < list->nkeys; i++)
	{
		if (po_candidate_equal(&list->keys[i], key))
			return;
	}
	list->keys[list->nkeys++] = *key;
}

/* Appends a column to a key if there is room and it has not got it; says whether it did. */
static bool
append_column(PoKey *key, int column)
{
	if (key->ncolumns >= PO_KEY_COLUMNS || has_column(key, column))
		return false;
	key->columns[key->ncolumns++] = column;
	return true;
}

/*
 * Adds a key of equality columns closed by each range column, alone and before others:
 * those are compared in the index, so that fewer rows of the table are visited.
 */
static void
add_ranges(KeyList *list, const PoNeeds *needs, const PoKey *start)
{
	for (int i = 0; i < needs->nrange; i++)
	{
		PoKey		first = *start;

		if (!append_column(&first, needs->range[i]))
			continue;
		add_key(list, &first);
		for (int j = 0; j < needs->nrange; j++)
		{
			PoKey		second = first;

			if (!append_column(&second, needs->range[j]))
				continue;
			add_key(list, &second);
			for (int k = j + 1; k < needs->nrange; k++)
			{
				PoKey		third = second;

				if (append_column(&third, needs->range[k]))
					add_key(list, &third);
			}
		}
	}
}

/* Adds a key of equality columns closed by range columns and by each wanted order. */
static void
close_key(KeyList *list, const PoNeeds *needs, const PoKey *start)
{
	add_key(list, start);
	add_ranges(list, needs, start);
	for (int i = 0; i < needs->norders; i++)
	{
		PoKey		key = *start;

		for (int j = 0; j < needs->orders[i].ncolumns; j++)
		{
			/*
			 * An order whose next column does not fit is still served up to
			 * there.
			 */
			if (!has_column(&key, needs->orders[i].columns[j]) &&
				!append_column(&key, needs->orders[i].columns[j]))
				break;
			add_key(list, &key);
		}
	}
}

/* Adds all keys that begin with start and go on with equality columns in any sequence. */
static void
extend_key(KeyList *list, const PoNeeds *needs, const PoKey *start)
{
	close_key(list, needs, start);
	if (start->ncolumns >= PO_KEY_COLUMNS)
		return;
	for (int i = 0; i < needs->nequal; i++)
	{
		PoKey		key = *start;

		if (append_column(&key, needs->equal[i]))
			extend_key(list, needs, &key);
	}
	for (int i = 0; i < needs->njoin; i++)
	{
		PoKey		key = *start;

		if (append_column(&key, needs->join[i]))
			extend_key(list, needs, &key);
	}
}

/*
 * Writes the keys worth trying for one use of a table into keys, each once, at most
 * max of them, and returns their number.
 */
int
po_candidate_generate(const PoNeeds *needs, PoKey *keys, int max)
{
	KeyList		list = {keys, 0, max};
	PoKey		empty = {0};

	extend_key(&list, needs, &empty);
	return list.nkeys;
}
