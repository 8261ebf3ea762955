/*
 * settings.h
 *	  The settings of tracking.
 */
#ifndef PO_WORKLOAD_SETTINGS_H
#define PO_WORKLOAD_SETTINGS_H

/* Which statements are tracked. */
typedef enum PoTrackLevel
{
	PO_TRACK_NONE,
	PO_TRACK_TOP,
	PO_TRACK_ALL
} PoTrackLevel;

extern int	po_settings_track;	/* PoTrackLevel */
extern int	po_settings_track_max;
extern int	po_settings_text_memory;	/* kB */
extern int	po_settings_sample_length;	/* bytes */
extern int	po_settings_sample_interval;	/* ms, 0: never */
extern bool po_settings_capture_plans;
extern bool po_settings_capture_samples;
extern bool po_settings_n_plus_one;
extern bool po_settings_redact_samples;
extern bool po_settings_save;
extern bool po_settings_track_utility;

extern void po_settings_init(void);
extern void po_settings_init_history(void);

#endif							/* PO_WORKLOAD_SETTINGS_H */
