/*
 * analysis.h
 *	  The whole analysis of one statement.
 */
#ifndef PO_ANALYSIS_H
#define PO_ANALYSIS_H

#include "core/srf.h"
#include "explain/finding.h"

extern PoAnalysis *po_analysis_plan(PoStatement *statement, bool execute);
extern PoAnalysis *po_analysis_run(PoStatement *statement, bool execute);
extern void po_analysis_emit(PoRow *row, const PoAnalysis *analysis);
extern Jsonb *po_analysis_findings_json(const PoAnalysis *analysis);
extern char **po_analysis_recommendations(const PoAnalysis *analysis, int *n);

#endif							/* PO_ANALYSIS_H */
