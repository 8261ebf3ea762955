/*
 * hypo_build.h
 *	  Assembling hypothetical indexes column by column.
 */
#ifndef PO_HYPO_BUILD_H
#define PO_HYPO_BUILD_H

#include "plan/form.h"
#include "plan/hypo.h"
#include "plan/key_column.h"

extern PoHypoIndex *po_hypo_build_empty(Oid relid, const char *am_name, int ncolumns, int nkeycolumns);
extern Oid	po_hypo_build_family(Oid type, Oid *input);
extern void po_hypo_build_key(PoHypoIndex *index, int i, Oid type, Oid collation, Oid opclass,
							  int16 options);
extern PoHypoIndex *po_hypo_build_form(Oid relid, const PoForm *form, const PoExpressions *expressions);
extern void po_hypo_build_definition(PoHypoIndex *index, const PoForm *form,
									 const PoExpressions *expressions);
extern void po_hypo_build_texts(PoHypoIndex *index, const PoForm *form, const PoExpressions *expressions);
extern bool po_hypo_build_supported(Oid relid, AttrNumber attnum);

#endif							/* PO_HYPO_BUILD_H */
