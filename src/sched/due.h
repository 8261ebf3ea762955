/*
 * due.h
 *	  When a schedule is due: cron expressions and intervals.  Pure.
 *
 * Moments are whole seconds since 1970-01-01 00:00 UTC.
 */
#ifndef PO_DUE_H
#define PO_DUE_H

typedef enum PoScheduleType
{
	PO_SCHEDULE_CRON,
	PO_SCHEDULE_INTERVAL,
	PO_SCHEDULE_REBOOT			/* once after each start of the server */
} PoScheduleType;

/* A parsed schedule; bit n of a set stands for the value n. */
typedef struct PoSchedule
{
	PoScheduleType type;
	int64		interval_s;		/* for PO_SCHEDULE_INTERVAL */
	uint64		seconds;
	uint64		minutes;
	uint64		hours;
	uint64		days;
	uint64		months;
	uint64		weekdays;		/* 0 is Sunday */
	uint64		last_weekdays;	/* the last such weekday of the month */
	bool		last_day;		/* the last day of the month */
	bool		any_day;		/* the day-of-month field starts with * or ? */
	bool		any_weekday;	/* the day-of-week field starts with * or ? */
	bool		any_hour;		/* the hour field is * or * with a step */
} PoSchedule;

/* Why a text is no schedule; both point to constants, field may be NULL. */
typedef struct PoScheduleError
{
	const char *field;
	const char *problem;
} PoScheduleError;

/*
 * A time zone: gives the offset east of UTC, in seconds, that holds at a moment
 * and the next moment at which it may change (INT64_MAX: never).
 */
typedef struct PoZone
{
	const void *state;
	void		(*segment) (const void *state, int64 utc, int *offset, int64 *end);
} PoZone;

extern bool po_due_parse(const char *text, PoSchedule *schedule, PoScheduleError *error);
extern bool po_due_next(const PoSchedule *schedule, const PoZone *zone, int64 after, int64 *next);

#endif							/* PO_DUE_H */
