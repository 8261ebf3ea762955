/*
 * set.h
 *	  Small sets of candidate numbers, copied by value.  Pure.
 */
#ifndef PO_SET_H
#define PO_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PO_SET_MAX 1024
#define PO_SET_WORDS (PO_SET_MAX / 64)

typedef struct PoSet
{
	uint64_t	words[PO_SET_WORDS];
} PoSet;

/* Says whether a set has a member. */
static inline bool
po_set_has(const PoSet *set, int member)
{
	return (set->words[member / 64] >> (member % 64)) & 1;
}

/* Adds a member. */
static inline void
po_set_add(PoSet *set, int member)
{
	set->words[member / 64] |= UINT64_C(1) << (member % 64);
}

/* Removes a member. */
static inline void
po_set_remove(PoSet *set, int member)
{
	set->words[member / 64] &= ~(UINT64_C(1) << (member % 64));
}

/* Returns what two sets have in common. */
static inline PoSet
po_set_intersect(const PoSet *a, const PoSet *b)
{
	PoSet		result;

	for (int i = 0; i < PO_SET_WORDS; i++)
		result.words[i] = a->words[i] & b->words[i];
	return result;
}

/* Returns what is in either of two sets. */
static inline PoSet
po_set_unite(const PoSet *a, const PoSet *b)
{
	PoSet		result;

	for (int i = 0; i < PO_SET_WORDS; i++)
		result.words[i] = a->words[i] | b->words[i];
	return result;
}

/* Returns what is in the first of two sets only. */
static inline PoSet
po_set_subtract(const PoSet *a, const PoSet *b)
{
	PoSet		result;

	for (int i = 0; i < PO_SET_WORDS; i++)
		result.words[i] = a->words[i] & ~b->words[i];
	return result;
}

/* Says whether all members of one set are in another. */
static inline bool
po_set_is_subset(const PoSet *part, const PoSet *whole)
{
	for (int i = 0; i < PO_SET_WORDS; i++)
	{
		if (part->words[i] & ~whole->words[i])
			return false;
	}
	return true;
}

/* Says whether two sets have a member in common. */
static inline bool
po_set_overlap(const PoSet *a, const PoSet *b)
{
	for (int i = 0; i < PO_SET_WORDS; i++)
	{
		if (a->words[i] & b->words[i])
			return true;
	}
	return false;
}

#endif							/* PO_SET_H */
