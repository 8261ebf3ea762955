/*
 * test_due.c
 *	  Schedules: what parses, known moments, and a walk second by second beside
 *	  the search, over random expressions, zones and moments.
 *
 * The naive side shares nothing with due.c: it matches plain lists of values
 * that the generator made together with the text, takes the calendar from the C
 * library, and looks at every second (or minute) in turn.
 *
 * link: src/sched/due.c
 */
#include "postgres.h"

#include <stdlib.h>
#include <time.h>

#include "sched/due.h"
#include "tap.h"

#undef snprintf
#undef sprintf
#undef printf

#define MAX_STRETCHES 200
#define TRIALS 100000
#define SECOND_TRIALS 300
#define DAY 86400

/* A zone as a list of stretches of constant offset. */
typedef struct TestZone
{
	const char *name;
	int			n;
	int64		start[MAX_STRETCHES];
	int			offset[MAX_STRETCHES];
} TestZone;

static const char *const zone_names[] = {
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns",
	"Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu", "Antarctica/Troll",
	"Asia/Tehran", "Pacific/Chatham",
};

#define NZONES ((int) lengthof(zone_names))

static TestZone zones[lengthof(zone_names)];

/* The moments that are looked at: 2009 to 2030. */
#define FIRST_MOMENT INT64CONST(1230768000)
#define LAST_MOMENT INT64CONST(1893456000)

/* The offset that the C library's zone has at a moment. */
static int
libc_offset(int64 utc)
{
	time_t		t = utc;
	struct tm	tm;

	localtime_r(&t, &tm);
	return tm.tm_gmtoff;
}

/* Lists the stretches of a zone: hour by hour, then to the second. */
static void
load_zone(TestZone *zone, const char *name)
{
	setenv("TZ", name, 1);
	tzset();
	zone->name = name;
	zone->n = 1;
	zone->start[0] = PG_INT64_MIN;
	zone->offset[0] = libc_offset(FIRST_MOMENT - 10 * DAY);
	for (int64 t = FIRST_MOMENT - 10 * DAY; t < LAST_MOMENT + 10 * DAY; t += 3600)
	{
		int64		moment = t;

		if (libc_offset(t) == libc_offset(t + 3600))
			continue;
		while (libc_offset(moment) == libc_offset(t))
			moment++;
		zone->start[zone->n] = moment;
		zone->offset[zone->n++] = libc_offset(moment);
	}
}

/* The stretch of a moment. */
static int
find_stretch(const TestZone *zone, int64 utc)
{
	int			i = zone->n - 1;

	while (zone->start[i] > utc)
		i--;
	return i;
}

/* What due.c asks for. */
static void
segment(const void *state, int64 utc, int *offset, int64 *end)
{
	const TestZone *zone = state;
	int			i = find_stretch(zone, utc);

	*offset = zone->offset[i];
	*end = i + 1 < zone->n ? zone->start[i + 1] : PG_INT64_MAX;
}

/* A random schedule, as text and as lists of allowed values. */
typedef struct TestCron
{
	char		text[400];
	char		allowed[6][64];
	int			star[6];		/* the field starts with a star */
	int			last_day;
	int			last_weekday[7];
	int			with_seconds;
} TestCron;

static const int low[6] = {0, 0, 0, 1, 1, 0};
static const int high[6] = {59, 59, 23, 31, 12, 6};
static const char *const months[] = {"", "jan", "FEB", "Mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "Mon", "tue", "wed", "THU", "fri", "sat"};

/* A random number below n. */
static int
below(int n)
{
	return random() % n;
}

/* Writes a value as number or name. */
static int
put_value(char *to, int field, int value)
{
	if (field == 4 && below(3) == 0)
		return sprintf(to, "%s", months[value]);
	if (field == 5 && below(3) == 0)
		return sprintf(to, "%s", weekdays[value]);
	return sprintf(to, "%d", value);
}

/* Adds one random item to a field. */
static int
put_item(TestCron *cron, char *to, int field, int first)
{
	int			a = low[field] + below(high[field] - low[field] + 1);
	int			b = a + below(high[field] - a + 1);
	int			step = 1 + below(high[field] > 10 ? 10 : high[field]);
	char	   *start = to;

	switch (below(field == 3 || field == 5 ? 6 : 5))
	{
		case 0:
			to += field == 5 && a == 0 && below(2) ? sprintf(to, "7") : put_value(to, field, a);
			cron->allowed[field][a] = 1;
			break;
		case 1:
			to += put_value(to, field, a);
			*to++ = '-';
			to += put_value(to, field, b);
			for (int i = a; i <= b; i++)
				cron->allowed[field][i] = 1;
			break;
		case 2:
			if (first)
				cron->star[field] = 1;
			to += sprintf(to, "*/%d", step);
			for (int i = low[field]; i <= high[field]; i += step)
				cron->allowed[field][i] = 1;
			break;
		case 3:
			to += sprintf(to, "%d-%d/%d", a, b, step);
			for (int i = a; i <= b; i += step)
				cron->allowed[field][i] = 1;
			break;
		case 4:
			to += sprintf(to, "%d/%d", a, step);
			for (int i = a; i <= high[field]; i += step)
				cron->allowed[field][i] = 1;
			break;
		default:
			if (field == 3)
			{
				cron->last_day = 1;
				to += sprintf(to, "L");
			}
			else
			{
				cron->last_weekday[a] = 1;
				to += sprintf(to, "%d%c", a, below(2) ? 'l' : 'L');
			}
	}
	return to - start;
}

/* Makes a random schedule; bits of dense ask for a star in most fields. */
static void
make_cron(TestCron *cron, int with_seconds)
{
	char	   *to = cron->text;

	memset(cron, 0, sizeof(*cron));
	cron->with_seconds = with_seconds;
	for (int field = with_seconds ? 0 : 1; field < 6; field++)
	{
		int			items = below(3) == 0 ? 1 + below(3) : 1;

		if (to != cron->text)
			*to++ = ' ';
		if (below(field >= 3 ? 3 : 4) != 0 && (field >= 2 || below(2)))
		{
			*to++ = field >= 3 && field != 4 && below(3) == 0 ? '?' : '*';
			cron->star[field] = 1;
			memset(cron->allowed[field], 1, sizeof(cron->allowed[field]));
			continue;
		}
		for (int i = 0; i < items; i++)
		{
			if (i > 0)
				*to++ = ',';
			to += put_item(cron, to, field, i == 0);
		}
	}
	if (!with_seconds)
		cron->allowed[0][0] = 1;
	*to = '\0';
}

/* Tells whether the hour field is a star or a star with a step. */
static int
any_hour(const TestCron *cron)
{
	char		copy[400];
	char	   *save;
	char	   *token;
	int			skip = cron->with_seconds ? 2 : 1;

	strcpy(copy, cron->text);
	token = strtok_r(copy, " ", &save);
	while (skip-- > 0)
		token = strtok_r(NULL, " ", &save);
	return token[0] == '*' && strchr(token, ',') == NULL;
}

/* Tells whether a local second is one of the schedule's. */
static int
matches(const TestCron *cron, int64 local)
{
	time_t		t = local;
	time_t		tomorrow = local + DAY;
	time_t		next_week = local + 7 * DAY;
	struct tm	tm;
	struct tm	other;
	int			by_day;
	int			by_weekday;

	gmtime_r(&t, &tm);
	if (!cron->allowed[0][tm.tm_sec] || !cron->allowed[1][tm.tm_min] ||
		!cron->allowed[2][tm.tm_hour] || !cron->allowed[4][tm.tm_mon + 1])
		return 0;
	gmtime_r(&tomorrow, &other);
	by_day = cron->allowed[3][tm.tm_mday] || (cron->last_day && other.tm_mon != tm.tm_mon);
	gmtime_r(&next_week, &other);
	by_weekday = cron->allowed[5][tm.tm_wday] ||
		(cron->last_weekday[tm.tm_wday] && other.tm_mon != tm.tm_mon);
	if (cron->star[3] || cron->star[5])
		return by_day && by_weekday;
	return by_day || by_weekday;
}

/* Walks from two days before after; -1 when nothing is due until the limit. */
static int64
naive_next(const TestCron *cron, const TestZone *zone, int64 after, int64 limit, int step)
{
	int			every_slot = any_hour(cron);
	int64		pos = after - 2 * DAY;
	int			stretch;
	int64		seen;

	pos -= ((pos % step) + step) % step;
	stretch = find_stretch(zone, pos);
	seen = pos + zone->offset[stretch];
	for (pos += step; pos <= limit; pos += step)
	{
		int64		local;

		if (stretch + 1 < zone->n && zone->start[stretch + 1] <= pos)
			stretch++;
		local = pos + zone->offset[stretch];
		if (pos > after)
		{
			if (!every_slot)
				for (int64 skipped = seen + step; skipped < local; skipped += step)
					if (matches(cron, skipped))
						return pos;
			if ((every_slot || local > seen) && matches(cron, local))
				return pos;
		}
		seen = local > seen ? local : seen;
	}
	return -1;
}

/* A random moment, half of the time near a change of the zone. */
static int64
random_moment(const TestZone *zone)
{
	if (zone->n > 1 && below(2))
		return zone->start[1 + below(zone->n - 1)] - 5 * 3600 + below(10 * 3600);
	return FIRST_MOMENT + random() % (LAST_MOMENT - FIRST_MOMENT);
}

/* Compares search and walk for random schedules; returns how many differ. */
static int
compare_random(int trials, int with_seconds, int64 horizon, int *found)
{
	int			bad = 0;

	*found = 0;
	for (int i = 0; i < trials; i++)
	{
		TestCron	cron;
		const TestZone *zone = &zones[below(NZONES)];
		PoZone		po_zone = {zone, segment};
		PoSchedule	schedule;
		PoScheduleError error = {0};
		int64		after = random_moment(zone);
		int64		got;
		int64		want;

		make_cron(&cron, with_seconds);
		if (!po_due_parse(cron.text, &schedule, &error))
		{
			/* Days that no month has are refused: 31 in even months, 30 in February. */
			if (error.field == NULL && strstr(error.problem, "no such day") != NULL)
				continue;
			printf("# %s: %s %s\n", cron.text, error.field ? error.field : "", error.problem);
			bad++;
			continue;
		}
		want = naive_next(&cron, zone, after, after + horizon, with_seconds ? 1 : 60);
		if (!po_due_next(&schedule, &po_zone, after, &got))
			got = PG_INT64_MAX;
		if (want >= 0)
			(*found)++;
		if (want >= 0 ? got != want : got <= after + horizon)
		{
			if (bad++ < 10)
				printf("# %s in %s after %lld: got %lld, want %lld\n", cron.text, zone->name,
					   (long long) after, (long long) got, (long long) want);
		}
	}
	return bad;
}

/* Checks one known moment, given and wanted as UTC texts "YYYY-MM-DD HH:MM:SS". */
static void
known(const char *expression, const char *zone_name, const char *after, const char *want)
{
	PoSchedule	schedule;
	PoScheduleError error;
	struct tm	tm = {0};
	int64		got = 0;
	char		text[64];
	time_t		t;
	PoZone		zone = {NULL, segment};

	for (int i = 0; i < NZONES; i++)
		if (strcmp(zones[i].name, zone_name) == 0)
			zone.state = &zones[i];
	strptime(after, "%Y-%m-%d %H:%M:%S", &tm);
	if (!po_due_parse(expression, &schedule, &error) ||
		!po_due_next(&schedule, &zone, timegm(&tm), &got))
		strcpy(text, "none");
	else
	{
		t = got;
		gmtime_r(&t, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	}
	is_str(text, want, expression);
}

/* Checks that a text is refused, with a word of the reason. */
static void
refused(const char *text, const char *field, const char *word)
{
	PoSchedule	schedule;
	PoScheduleError error = {0};
	int			parsed = po_due_parse(text, &schedule, &error);

	if (!ok(!parsed && strstr(error.problem, word) != NULL &&
			(field == NULL ? error.field == NULL : error.field != NULL && strcmp(error.field, field) == 0),
			text))
		printf("# parsed %d, field %s, problem %s\n", parsed, error.field ? error.field : "-",
			   error.problem ? error.problem : "-");
}

/* Checks the length of an interval. */
static void
interval(const char *text, int64 seconds)
{
	PoSchedule	schedule;
	PoScheduleError error = {0};

	is_int(po_due_parse(text, &schedule, &error) && schedule.type == PO_SCHEDULE_INTERVAL
		   ? schedule.interval_s : -1, seconds, text);
}

/* Moments that are easily wrong. */
static void
test_known(void)
{
	known("0 0 29 2 *", "UTC", "2024-03-01 00:00:00", "2028-02-29 00:00:00");
	known("0 0 29 2 *", "UTC", "2096-03-01 00:00:00", "2104-02-29 00:00:00");
	known("0 0 31 * *", "UTC", "2025-03-31 00:00:00", "2025-05-31 00:00:00");
	known("0 0 L * *", "UTC", "2100-02-01 00:00:00", "2100-02-28 00:00:00");
	known("0 0 L 2 ?", "UTC", "2024-01-01 00:00:00", "2024-02-29 00:00:00");
	known("0 9 * * 5L", "UTC", "2026-11-01 00:00:00", "2026-11-27 09:00:00");
	known("0 0 13 * fri", "UTC", "2026-11-01 00:00:00", "2026-11-06 00:00:00");
	known("0 0 */2 * mon", "UTC", "2026-11-01 00:00:00", "2026-11-09 00:00:00");
	known("59 59 23 31 12 *", "UTC", "2026-11-01 00:00:00", "2026-12-31 23:59:59");
	known("@hourly", "Asia/Kathmandu", "2026-11-01 00:00:00", "2026-11-01 00:15:00");
	known("@weekly", "UTC", "2026-11-20 00:00:00", "2026-11-22 00:00:00");
	/* A skipped time runs at the change, a repeated one once, the first time. */
	known("30 2 * * *", "Europe/Berlin", "2024-03-30 12:00:00", "2024-03-31 01:00:00");
	known("30 2 * * *", "Europe/Berlin", "2024-03-31 01:00:00", "2024-04-01 00:30:00");
	known("30 2 * * *", "Europe/Berlin", "2024-10-26 12:00:00", "2024-10-27 00:30:00");
	known("30 2 * * *", "Europe/Berlin", "2024-10-27 00:30:00", "2024-10-28 01:30:00");
	known("*/30 * * * *", "Europe/Berlin", "2024-10-27 00:30:00", "2024-10-27 01:00:00");
	known("*/30 * * * *", "Europe/Berlin", "2024-03-31 00:30:00", "2024-03-31 01:00:00");
	known("15 */2 * * *", "Europe/Berlin", "2024-03-31 00:00:00", "2024-03-31 02:15:00");
	/* Samoa had no 30 December 2011; Sao Paulo's day began at one o'clock. */
	known("0 5 * * *", "Pacific/Apia", "2011-12-29 15:30:00", "2011-12-30 10:00:00");
	known("0 5 * * *", "Pacific/Apia", "2011-12-30 10:00:00", "2011-12-30 15:00:00");
	known("0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00:00", "2018-11-04 03:00:00");
	known("0 0 * * fri-sun", "UTC", "2026-11-21 00:00:00", "2026-11-22 00:00:00");
	known("0 0 * * 7-2", "UTC", "2026-11-24 00:00:00", "2026-11-29 00:00:00");
	known("0 0 * * 0-7", "UTC", "2026-11-24 00:00:00", "2026-11-25 00:00:00");
	known("@reboot", "UTC", "2024-01-01 00:00:00", "none");
}

/* What is no schedule, and why. */
static void
test_refused(void)
{
	refused("", NULL, "empty");
	refused("   ", NULL, "empty");
	refused("* * * *", NULL, "five fields");
	refused("* * * * * * *", NULL, "five fields");
	refused("a b c d e f g h i j k l m n", NULL, "too many");
	refused("60 * * * *", "minute", "out of range");
	refused("* 24 * * *", "hour", "out of range");
	refused("* * 0 * *", "day of month", "out of range");
	refused("* * * 13 *", "month", "out of range");
	refused("* * * * 8", "day of week", "out of range");
	refused("60 * * * * *", "second", "out of range");
	refused("*/0 * * * *", "minute", "step");
	refused("*/60 * * * *", "minute", "step");
	refused("5-1 * * * *", "minute", "backwards");
	refused("1, * * * *", "minute", "missing");
	refused("1x * * * *", "minute", "not understood");
	refused("? * * * *", "minute", "not understood");
	refused("99999999999 * * * *", "minute", "out of range");
	refused("* * * * L", "day of week", "weekday before");
	refused("* * L-3 * *", "day of month", "not understood");
	refused("* * 15W * *", "day of month", "not understood");
	refused("0 0 30 2 *", NULL, "no such day");
	refused("0 0 31 2,4,6,9,11 *", NULL, "no such day");
	refused("@often", NULL, "@hourly");
	refused("hourly", NULL, "five fields");
	refused("1 month", NULL, "months and years");
	refused("every 2 years", NULL, "months and years");
	refused("0 seconds", NULL, "positive");
	refused("-5 minutes", NULL, "positive");
	refused("every -5 minutes", NULL, "positive");
	refused("1.5 hours", NULL, "whole number");
	refused("every", NULL, "whole number");
	refused("every 5", NULL, "unit");
	refused("every 5 parsecs", NULL, "unit");
	refused("999999999 weeks", NULL, "100 years");
}

/* Intervals. */
static void
test_intervals(void)
{
	interval("every 5 minutes", 300);
	interval("30 seconds", 30);
	interval("1 second", 1);
	interval("Every Minute", 60);
	interval("every hour", 3600);
	interval("5min", 300);
	interval("1h 30m", 5400);
	interval("1 day 2 hours 3 minutes", 93780);
	interval("every 2 weeks", 1209600);
	interval("1 hour 30 minutes 10 seconds", 5410);
}

int
main(void)
{
	int			found;

	srandom(20261120);
	for (int i = 0; i < NZONES; i++)
		load_zone(&zones[i], zone_names[i]);
	ok(zones[1].n > 30, "the C library knows the time zones");
	test_known();
	test_refused();
	test_intervals();
	is_int(compare_random(TRIALS, 0, 4 * DAY, &found), 0, "search and walk agree, minutes");
	ok(found > TRIALS / 2, "most of the random schedules come due");
	is_int(compare_random(SECOND_TRIALS, 1, 6 * 3600, &found), 0, "search and walk agree, seconds");
	ok(found > SECOND_TRIALS / 10, "many of the random schedules with seconds come due");
	return done();
}
