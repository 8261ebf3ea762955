/*
 * figures.h
 *	  Lists of figures.
 */
#ifndef PO_MONITOR_FIGURES_H
#define PO_MONITOR_FIGURES_H

extern void po_figures_sort(double *figures, int n);

#endif							/* PO_MONITOR_FIGURES_H */
