/*
 * guc.h
 *	  The settings of perf_optimizer.* that more than one area reads.
 */
#ifndef PO_GUC_H
#define PO_GUC_H

extern bool po_guc_allow_superuser_jobs;
extern int	po_guc_history_retention;	/* minutes */
extern int	po_guc_job_lock_timeout;	/* ms */
extern int	po_guc_matview_log_limit;	/* kB */
extern int	po_guc_max_workers;
extern bool po_guc_run_jobs;
extern int	po_guc_runner_linger;	/* ms */
extern int	po_guc_runner_max_runs;

extern void po_guc_init(void);
extern void po_guc_reserve(void);

#endif							/* PO_GUC_H */
