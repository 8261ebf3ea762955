/*
 * settings.c
 *	  The settings of tracking, sorted by name.
 *
 * Those of tracking exist only while the library is preloaded: without shared
 * memory there is nothing to set.  Those of the history are read in SQL.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"
#include "workload/settings.h"

int			po_settings_track = PO_TRACK_ALL;
int			po_settings_track_max = 5000;
int			po_settings_text_memory = 8192;
int			po_settings_sample_length = 4096;
int			po_settings_sample_interval = 1000;
bool		po_settings_capture_plans = true;
bool		po_settings_capture_samples = true;
bool		po_settings_n_plus_one = true;
bool		po_settings_redact_samples = false;
bool		po_settings_save = true;
bool		po_settings_track_utility = false;

static int	snapshot_detail = 2 * 24 * 60;
static int	snapshot_retention = 30 * 24 * 60;

static const struct config_enum_entry track_levels[] = {
	{"none", PO_TRACK_NONE, false},
	{"top", PO_TRACK_TOP, false},
	{"all", PO_TRACK_ALL, false},
	{NULL, 0, false}
};

/* Defines what is kept of a statement beside its numbers. */
static void
define_captures(void)
{
	DefineCustomBoolVariable("perf_optimizer.capture_plans",
							 "Keeps the text of each plan shape of a tracked statement.",
							 NULL, &po_settings_capture_plans, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.capture_samples",
							 "Keeps the text and the parameter values of some executions of a tracked statement.",
							 NULL, &po_settings_capture_samples, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.n_plus_one",
							 "Detects statements that one session runs again and again.",
							 NULL, &po_settings_n_plus_one, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.redact_samples",
							 "Keeps no constants and no parameter values in samples and plans.",
							 "What was kept before stays until perf_optimizer.reset_tracking().",
							 &po_settings_redact_samples, false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

/* Defines the bounds, which size shared memory or its contents. */
static void
define_bounds(void)
{
	DefineCustomIntVariable("perf_optimizer.sample_interval",
							"How often the waits of all sessions are looked at.",
							"Zero does not look at them.",
							&po_settings_sample_interval, 1000, 0, 60 * 60 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.sample_length",
							"The most bytes that are kept of a statement's text, of its parameters and of a plan.",
							NULL, &po_settings_sample_length, 4096, 128, 1024 * 1024,
							PGC_SUSET, GUC_UNIT_BYTE, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.save_tracking",
							 "Saves what was tracked when the server stops.",
							 NULL, &po_settings_save, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.text_memory",
							"Shared memory for samples and plans.",
							NULL, &po_settings_text_memory, 8192, 128, INT_MAX / 2,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
}

/* Defines how long the history is kept; preloaded or not, called once from _PG_init. */
void
po_settings_init_history(void)
{
	DefineCustomIntVariable("perf_optimizer.snapshot_detail",
							"How long snapshots of the workload are kept as they were taken.",
							"Older ones are merged into one an hour.",
							&snapshot_detail, 2 * 24 * 60, 1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.snapshot_retention",
							"How long snapshots of the workload are kept.",
							NULL, &snapshot_retention, 30 * 24 * 60, 1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* Defines the settings of tracking; called once from _PG_init while preloading. */
void
po_settings_init(void)
{
	define_captures();
	define_bounds();
	DefineCustomEnumVariable("perf_optimizer.track",
							 "Which statements are tracked: none, those that clients send, or nested ones too.",
							 NULL, &po_settings_track, PO_TRACK_ALL, track_levels,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.track_max",
							"The most statements that are tracked.",
							"The least used ones make room for new ones.",
							&po_settings_track_max, 5000, 100, 1000 * 1000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.track_utility",
							 "Tracks utility statements, too.",
							 NULL, &po_settings_track_utility, false,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}
