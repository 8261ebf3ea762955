/*
 * figures.c
 *	  Lists of figures.  Pure.
 */
#include "postgres.h"

#include "monitor/figures.h"

/* Orders two figures. */
static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Sorts figures, the smallest first. */
void
po_figures_sort(double *figures, int n)
{
	qsort(figures, n, sizeof(double), compare);
}
