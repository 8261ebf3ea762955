/*
 * choice.h
 *	  A choice of candidates under construction.  Pure.
 */
#ifndef PO_CHOICE_H
#define PO_CHOICE_H

#include "advisor/search.h"

/* What the search knows before it begins. */
typedef struct PoSearchState
{
	const PoSearchProblem *problem;
	int			nfloors;		/* of the first so many queries is known */
	double	   *floors;			/* what each costs with all candidates there */
	double	  **alone;			/* of each query and candidate: what it saves
								 * when it is the only one */
	int		   *nconcerned;		/* of each candidate: the number of queries
								 * that it matters to */
	int		  **concerned;		/* and which */
	PoSet	   *touched;		/* of each candidate: those whose worth may
								 * change when it comes or goes */
	int		   *open;			/* room for a number of each query, */
	int		   *seen;			/* and for when it was counted last */
	int			counting;
	bool		strict;			/* estimate what a candidate can save at most,
								 * not what it is likely to */
	bool		stopped;		/* the caller wants the best so far, or the
								 * calls are used up */
} PoSearchState;

/* What is known of the gains of candidates, as long as nothing comes or goes that touches them. */
typedef struct PoKnownGains
{
	PoSet		there;
	PoSet		exact;			/* not only likely */
	double		gains[PO_SET_MAX];
} PoKnownGains;

typedef struct PoChoice
{
	PoSearchState *state;
	PoSet		set;
	int			n;
	int			order[PO_SET_MAX];	/* as they were added */
	double		size;
	double		total;			/* the workload's cost, writes included */
	double	   *costs;			/* of each query */
	PoKnownGains known[2];		/* likely, and with the state strict */
} PoChoice;

extern PoChoice *po_choice_create(PoSearchState *state);
extern PoChoice *po_choice_copy(const PoChoice *choice);
extern void po_choice_assign(PoChoice *choice, const PoChoice *from);
extern void po_choice_free(PoChoice *choice);
extern void po_choice_set(PoChoice *choice, const PoSet *set, int added);
extern void po_choice_refresh(PoChoice *choice);
extern void po_choice_add(PoChoice *choice, int candidate);
extern void po_choice_remove(PoChoice *choice, int candidate);
extern bool po_choice_is_feasible(const PoChoice *choice, int candidate);
extern double po_choice_gain(PoChoice *choice, int candidate, double threshold);
extern PoSet po_choice_touched(const PoSearchState *state, const PoSet *before, const PoSet *after);
extern double po_choice_loss(const PoChoice *choice, int candidate);
extern bool po_choice_must_stop(PoSearchState *state);
extern bool po_choice_may_go_on(PoSearchState *state);

#endif							/* PO_CHOICE_H */
