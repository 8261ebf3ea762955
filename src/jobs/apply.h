/*
 * apply.h
 *	  Carrying out a suggestion.
 */
#ifndef PO_APPLY_H
#define PO_APPLY_H

extern char *po_apply_prepare(const char *definition, char **target);

#endif							/* PO_APPLY_H */
