/* ---- Scheduled jobs: tables ---- */

CREATE TABLE perf_optimizer.identity (
	incarnation uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	database oid NOT NULL,
	one boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (one)
);
COMMENT ON TABLE perf_optimizer.identity IS 'Which installation of the extension this is: one row, made at CREATE EXTENSION, not dumped. Jobs of another incarnation, and all jobs of a copied database, are held until resume_all_jobs().';
COMMENT ON COLUMN perf_optimizer.identity.incarnation IS 'Made anew at CREATE EXTENSION; kept by pg_upgrade.';
COMMENT ON COLUMN perf_optimizer.identity.database IS 'OID of the database in which the row was made; another one means that this database is a copy.';
INSERT INTO perf_optimizer.identity (database)
	SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();

CREATE SEQUENCE perf_optimizer.job_id_seq;
COMMENT ON SEQUENCE perf_optimizer.job_id_seq IS 'Numbers of jobs.';

CREATE TABLE perf_optimizer.job (
	job_id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('perf_optimizer.job_id_seq'),
	incarnation uuid NOT NULL,
	owner oid NOT NULL,
	owner_name text NOT NULL,
	name text NOT NULL,
	kind text NOT NULL,
	relid oid NOT NULL DEFAULT 0,
	target text,
	action text,
	command text,
	schedule text CHECK (schedule IS NOT NULL OR after_job IS NOT NULL),
	timezone text NOT NULL,
	timeout interval,
	max_attempts int NOT NULL,
	backoff interval NOT NULL,
	max_backoff interval NOT NULL,
	priority int NOT NULL,
	enabled boolean NOT NULL,
	paused boolean NOT NULL DEFAULT false,
	retry_after_crash boolean NOT NULL,
	after_job bigint,
	exclude_window text,
	at timestamptz,
	done boolean NOT NULL DEFAULT false,
	next_run timestamptz,
	rebase boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	UNIQUE (owner, name)
);
CREATE INDEX job_next_run_idx ON perf_optimizer.job (next_run) WHERE enabled AND NOT paused;
CREATE INDEX job_rebase_idx ON perf_optimizer.job (job_id) WHERE rebase;
CREATE INDEX job_after_job_idx ON perf_optimizer.job (after_job) WHERE after_job IS NOT NULL;
COMMENT ON TABLE perf_optimizer.job IS 'Definitions of scheduled jobs; written by the schedule functions only. Read the view jobs.';
COMMENT ON COLUMN perf_optimizer.job.incarnation IS 'The incarnation that knows relid and owner; in another one the names count.';
COMMENT ON COLUMN perf_optimizer.job.schedule IS 'Null: the job has no slots of its own and runs after another job only. @once: its one slot is at.';
COMMENT ON COLUMN perf_optimizer.job.done IS 'The one slot of a job that runs once has been taken.';
COMMENT ON COLUMN perf_optimizer.job.rebase IS 'The definition changed and the scheduler has not seen it yet: the first slot counts from the commit.';

CREATE SEQUENCE perf_optimizer.run_id_seq;
COMMENT ON SEQUENCE perf_optimizer.run_id_seq IS 'Numbers of runs.';

-- As domains these are looked up once a session; a check of the table would be read anew by each statement.
CREATE DOMAIN perf_optimizer.run_status AS text
	CHECK (VALUE IN ('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'crashed', 'skipped'));
COMMENT ON DOMAIN perf_optimizer.run_status IS 'The states of a run of a job.';
CREATE DOMAIN perf_optimizer.run_cause AS text CHECK (VALUE IN ('slot', 'catch-up', 'request', 'start', 'after'));
COMMENT ON DOMAIN perf_optimizer.run_cause IS 'Why a run is there: a slot of its job, one that was missed, run_job or retry_job, a start of the server, or the job before it.';

CREATE TABLE perf_optimizer.job_run (
	run_id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('perf_optimizer.run_id_seq'),
	job_id bigint NOT NULL,
	owner oid NOT NULL,
	name text NOT NULL,
	attempt int NOT NULL DEFAULT 0,
	status perf_optimizer.run_status NOT NULL DEFAULT 'queued',
	cause perf_optimizer.run_cause NOT NULL,
	priority int NOT NULL DEFAULT 0,
	scheduled_for timestamptz NOT NULL,
	queued_at timestamptz NOT NULL,
	not_before timestamptz NOT NULL,
	after_runs bigint[],
	started_at timestamptz,
	finished_at timestamptz,
	pid int,
	rows_affected bigint,
	sqlstate text,
	message text,
	detail text,
	hint text,
	context text,
	dead_letter boolean NOT NULL DEFAULT false
);
CREATE INDEX job_run_job_idx ON perf_optimizer.job_run (job_id, run_id);
CREATE INDEX job_run_open_idx ON perf_optimizer.job_run (job_id) WHERE status IN ('queued', 'running');
CREATE INDEX job_run_finished_idx ON perf_optimizer.job_run (finished_at);
CREATE INDEX job_run_dead_idx ON perf_optimizer.job_run (job_id) WHERE dead_letter;
COMMENT ON TABLE perf_optimizer.job_run IS 'One row a slot of a job; written by the workers. Read the view job_runs.';
COMMENT ON COLUMN perf_optimizer.job_run.after_runs IS 'Runs that go first: refreshes of views that this one reads, due at the same time.';

CREATE TABLE perf_optimizer.job_attempt (
	run_id bigint NOT NULL REFERENCES perf_optimizer.job_run ON DELETE CASCADE,
	attempt int NOT NULL,
	status text NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'crashed')),
	pid int,
	started_at timestamptz NOT NULL,
	finished_at timestamptz,
	sqlstate text,
	message text,
	detail text,
	hint text,
	context text,
	PRIMARY KEY (run_id, attempt)
);
COMMENT ON TABLE perf_optimizer.job_attempt IS 'Attempts that another followed, a row each; the last attempt of a run is in job_run. Written by the workers. Read the view job_attempts.';

SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.job', '');
SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.job_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.run_id_seq', '');

CREATE FUNCTION perf_optimizer.job_changed() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_job_changed';
COMMENT ON FUNCTION perf_optimizer.job_changed() IS 'Trigger of the job and run tables: wakes the scheduler at commit, and keeps out rows that arrive by logical replication.';
REVOKE ALL ON FUNCTION perf_optimizer.job_changed() FROM PUBLIC;
CREATE TRIGGER job_changed BEFORE INSERT OR UPDATE OR DELETE ON perf_optimizer.job
	FOR EACH ROW EXECUTE FUNCTION perf_optimizer.job_changed();
ALTER TABLE perf_optimizer.job ENABLE ALWAYS TRIGGER job_changed;
COMMENT ON TRIGGER job_changed ON perf_optimizer.job IS 'Wakes the scheduler at commit, and keeps out rows that arrive by logical replication.';
CREATE TRIGGER run_changed BEFORE INSERT OR UPDATE OR DELETE ON perf_optimizer.job_run
	FOR EACH ROW EXECUTE FUNCTION perf_optimizer.job_changed();
ALTER TABLE perf_optimizer.job_run ENABLE ALWAYS TRIGGER run_changed;
COMMENT ON TRIGGER run_changed ON perf_optimizer.job_run IS 'Wakes the scheduler at commit, and keeps out rows that arrive by logical replication.';

/* ---- Scheduled jobs: functions ---- */

CREATE FUNCTION perf_optimizer.next_run(schedule text, after timestamptz DEFAULT pg_catalog.now(), timezone text DEFAULT pg_catalog.current_setting('TimeZone'))
	RETURNS timestamptz LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_next_run';
COMMENT ON FUNCTION perf_optimizer.next_run(text, timestamptz, text) IS 'The first moment after "after" at which a schedule (cron expression with 5 or 6 fields, or an interval such as "every 5 minutes") is due in an IANA time zone; infinity for @reboot. Errors: 22004 for a null, 22023 for a wrong schedule or zone.';

CREATE FUNCTION perf_optimizer.schedule_refresh(matview regclass, schedule text, mode text DEFAULT 'auto', name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_refresh';
COMMENT ON FUNCTION perf_optimizer.schedule_refresh(regclass, text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules REFRESH of a materialized view (mode auto, concurrent or full) and returns the job''s id; an existing job of that name and owner is changed. A null name becomes "refresh <view>", a null timezone the session''s, a null timeout none. Errors: 42809 not a materialized view, 42501 not its owner, 22023 wrong schedule, zone, mode or option, 42710 the name belongs to a job of another kind.';

CREATE FUNCTION perf_optimizer.schedule_archive(policy text, schedule text, name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_archive';
COMMENT ON FUNCTION perf_optimizer.schedule_archive(text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules runs of an archive policy and returns the job''s id; an existing job of that name and owner is changed. A null name becomes "archive <policy>". Errors: 42704 no such policy, 42501 it is not yours, 22023 wrong schedule, zone or option.';

CREATE FUNCTION perf_optimizer.schedule_maintenance(relation regclass, schedule text, action text DEFAULT 'vacuum_analyze', name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_maintenance';
COMMENT ON FUNCTION perf_optimizer.schedule_maintenance(regclass, text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules maintenance of a relation: vacuum_analyze, vacuum, analyze, reindex_concurrently or prewarm (needs pg_prewarm); returns the job''s id. A null name becomes "<action> <relation>". Errors: 42809 wrong kind of relation, 42501 not its owner, 22023 unknown action, wrong schedule, zone or option, 55000 pg_prewarm is not installed.';

CREATE FUNCTION perf_optimizer.schedule_command(name text, schedule text, command text,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_command';
COMMENT ON FUNCTION perf_optimizer.schedule_command(text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules SQL that runs as the caller, at top level: each statement is a transaction of its own unless the text opens one, and the first error ends the run. Returns the job''s id; an existing job of that name and owner is changed. Errors: 42601 the text does not parse, 22023 wrong schedule, zone or option, 42710 the name belongs to a job of another kind.';

CREATE FUNCTION perf_optimizer.schedule_once(name text, at timestamptz, command text,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_once';
COMMENT ON FUNCTION perf_optimizer.schedule_once(text, timestamptz, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules SQL that runs once, at a moment or, when that has passed, at commit; then the job is done and stays in the view jobs until unschedule. Returns the job''s id. The same call again changes nothing, another moment lets it run again. Errors: 42601 the text does not parse, 22023 a moment that is not finite or a wrong option, 42710 the name belongs to a job of another kind.';

CREATE FUNCTION perf_optimizer.alter_job(job_id bigint, schedule text DEFAULT NULL, command text DEFAULT NULL, action text DEFAULT NULL,
	name text DEFAULT NULL, at timestamptz DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT NULL, backoff interval DEFAULT NULL,
	max_backoff interval DEFAULT NULL, priority int DEFAULT NULL, enabled boolean DEFAULT NULL,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT NULL)
	RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_alter_job';
COMMENT ON FUNCTION perf_optimizer.alter_job(bigint, text, text, text, text, timestamptz, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Changes what is given of a job and keeps the rest (null); action is also the mode of a refresh. An empty schedule or exclude_window, a timeout of 0 and an after_job of 0 take the setting away. True when something changed. Errors: 42704 no such job, 42501 not yours, 42710 the owner has another job of that name, 22023 a wrong value, or one that the kind of job does not have.';

CREATE FUNCTION perf_optimizer.schedule_snapshot(schedule text DEFAULT 'every 5 minutes', name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_snapshot';
COMMENT ON FUNCTION perf_optimizer.schedule_snapshot(text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules take_snapshot(), the history of the workload, and returns the job''s id; an existing job of that name and owner is changed. A null name becomes "snapshot workload". Errors: 42501 unless you are a member of pg_read_all_stats, 22023 wrong schedule, zone or option.';

CREATE FUNCTION perf_optimizer.unschedule(job_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_unschedule';
COMMENT ON FUNCTION perf_optimizer.unschedule(bigint) IS 'Removes a job; its waiting runs are cancelled, a running one ends as it would, the history stays. False when there is no such job. Error: 42501 when it belongs to somebody else.';

CREATE FUNCTION perf_optimizer.unschedule(name text) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_unschedule_name';
COMMENT ON FUNCTION perf_optimizer.unschedule(text) IS 'Removes the caller''s job of that name, or, when the caller has none, the one such job that the caller may alter; false when there is none. Error: 42725 when several would fit.';

CREATE FUNCTION perf_optimizer.pause_job(job_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_pause_job';
COMMENT ON FUNCTION perf_optimizer.pause_job(bigint) IS 'Keeps a job from taking slots until resume_job; scheduling it again does not resume it. True when it was not paused before. Errors: 42704 no such job, 42501 not yours.';

CREATE FUNCTION perf_optimizer.resume_job(job_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_resume_job';
COMMENT ON FUNCTION perf_optimizer.resume_job(bigint) IS 'Lets a paused job take slots again, from now on. True when it was paused. Errors: 42704 no such job, 42501 not yours.';

CREATE FUNCTION perf_optimizer.pause_all_jobs() RETURNS int
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_pause_all_jobs';
COMMENT ON FUNCTION perf_optimizer.pause_all_jobs() IS 'Pauses every job that the caller may alter; returns how many were not paused before.';

CREATE FUNCTION perf_optimizer.resume_all_jobs() RETURNS int
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_resume_all_jobs';
COMMENT ON FUNCTION perf_optimizer.resume_all_jobs() IS 'Resumes every job that the caller may alter, and takes over jobs that came with a dump or a copy of the database: their targets and owners are looked up by name. Returns how many jobs were paused or held.';

CREATE FUNCTION perf_optimizer.run_job(job_id bigint) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_run_job';
COMMENT ON FUNCTION perf_optimizer.run_job(bigint) IS 'Enqueues a run of a job, paused or not, that starts after the commit; returns its run_id. Errors: 55000 not preloaded, 42704 no such job, 42501 not yours.';

CREATE FUNCTION perf_optimizer.retry_job(job_id bigint) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_retry_job';
COMMENT ON FUNCTION perf_optimizer.retry_job(bigint) IS 'Takes a job out of the dead letters and enqueues a run; returns its run_id. Errors: 55000 not preloaded, or the job is no dead letter; 42704 no such job; 42501 not yours.';

CREATE FUNCTION perf_optimizer.cancel_run(run_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_cancel_run';
COMMENT ON FUNCTION perf_optimizer.cancel_run(bigint) IS 'Cancels a run: a waiting one at commit, a running one at once (its statement is interrupted). False when it has ended already. Errors: 42704 no such run, 42501 not yours.';

CREATE FUNCTION perf_optimizer.wait_for_run(run_id bigint, timeout interval DEFAULT '1 minute') RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_wait_for_run';
COMMENT ON FUNCTION perf_optimizer.wait_for_run(bigint, interval) IS 'Waits until a run has ended, at most for timeout, and returns its status; a status of queued or running means that the time was up. Errors: 55000 not preloaded, the run was enqueued in this very transaction, or it is of a kind that waits for other snapshots (use CALL await_run); 42704 no such run; 42501 not yours.';

CREATE PROCEDURE perf_optimizer.await_run(run_id bigint, timeout interval DEFAULT '1 minute', INOUT status text DEFAULT NULL)
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'perf_optimizer_await_run';
COMMENT ON PROCEDURE perf_optimizer.await_run(bigint, interval, text) IS 'Commits, then waits like wait_for_run but without holding a snapshot, so also for runs that build or rebuild indexes concurrently. Errors: 55000 not preloaded, 2D000 inside a transaction block, 42704 no such run, 42501 not yours.';

/* ---- Scheduled jobs: views ---- */

CREATE VIEW perf_optimizer.jobs WITH (security_barrier) AS
	SELECT j.job_id, j.name, j.kind,
		CASE WHEN j.kind = 'command' THEN j.command
			WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) COLLATE "default"
			ELSE j.target END AS target,
		j.action, j.schedule, j.timezone, j.enabled AND NOT j.paused AS enabled,
		coalesce(o.rolname::text COLLATE "default", j.owner_name) AS owner,
		CASE WHEN j.enabled AND NOT j.paused THEN j.next_run END AS next_run,
		r.started_at AS last_run, r.status::text AS last_status,
		(SELECT count(*) FROM perf_optimizer.job_run f
			WHERE f.job_id = j.job_id AND f.status IN ('failed', 'timed_out', 'crashed')
				AND f.run_id > coalesce((SELECT max(g.run_id) FROM perf_optimizer.job_run g
					WHERE g.job_id = j.job_id AND g.status = 'succeeded'), 0))::int AS consecutive_failures,
		j.priority, j.paused, j.incarnation <> i.incarnation OR i.database <> d.oid AS held,
		j.timeout, j.max_attempts, j.backoff, j.max_backoff, j.retry_after_crash, j.created_at, j.changed_at,
		j.after_job, j.exclude_window, j.at, j.done
	FROM perf_optimizer.job j
		CROSS JOIN perf_optimizer.identity i
		JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
		LEFT JOIN pg_catalog.pg_roles o ON CASE WHEN j.incarnation = i.incarnation THEN o.oid = j.owner ELSE o.rolname = j.owner_name END
		LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relid AND j.incarnation = i.incarnation
		LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN LATERAL (SELECT l.started_at, l.status FROM perf_optimizer.job_run l
			WHERE l.job_id = j.job_id AND l.started_at IS NOT NULL ORDER BY l.run_id DESC LIMIT 1) r ON true
	WHERE CASE WHEN o.oid IS NOT NULL THEN pg_catalog.pg_has_role(o.oid, 'USAGE')
		ELSE (SELECT s.rolsuper FROM pg_catalog.pg_roles s WHERE s.rolname = current_user) END;
COMMENT ON VIEW perf_optimizer.jobs IS 'The jobs that the current role may alter: its own and those of roles it is a member of; a superuser sees all. held: the job came with a dump or a copy of the database and waits for resume_all_jobs().';

CREATE FUNCTION perf_optimizer.no_worker_since() RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'perf_optimizer_no_worker_since';
COMMENT ON FUNCTION perf_optimizer.no_worker_since() IS 'Since when max_worker_processes has left no worker for the runs that wait in this database, or for its scheduler; null while there is one, and without preloading. Internal, read the message of waiting runs in the view job_runs.';

CREATE VIEW perf_optimizer.job_runs WITH (security_barrier) AS
	SELECT r.run_id, r.job_id, r.name, r.attempt, r.status::text AS status, r.scheduled_for, r.started_at, r.finished_at,
		(EXTRACT(epoch FROM r.finished_at - r.started_at) * 1000)::float8 AS duration_ms,
		r.rows_affected, r.sqlstate, CASE WHEN r.status = 'queued' AND r.not_before <= pg_catalog.now() AND (SELECT perf_optimizer.no_worker_since()) IS NOT NULL
			THEN 'waits for a worker process: all of max_worker_processes are taken' ELSE r.message END AS message,
		r.detail, r.hint, r.context, r.cause::text AS cause, r.pid,
		CASE WHEN r.status = 'queued' THEN r.not_before END AS not_before
	FROM perf_optimizer.job_run r
	WHERE CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles o WHERE o.oid = r.owner)
		THEN pg_catalog.pg_has_role(r.owner, 'USAGE')
		ELSE (SELECT s.rolsuper FROM pg_catalog.pg_roles s WHERE s.rolname = current_user) END;
COMMENT ON VIEW perf_optimizer.job_runs IS 'One row a slot of a job, with the outcome of its last attempt; attempt counts those so far. message says of a waiting run when the server has no worker process to spare for it. Shows runs of the current role and of roles it is a member of.';

CREATE VIEW perf_optimizer.job_attempts WITH (security_barrier) AS
	SELECT a.run_id, a.attempt, a.status, a.pid, a.started_at, a.finished_at, a.sqlstate, a.message, a.detail, a.hint, a.context
	FROM perf_optimizer.job_attempt a
	WHERE EXISTS (SELECT FROM perf_optimizer.job_runs r WHERE r.run_id = a.run_id)
	UNION ALL
	SELECT r.run_id, r.attempt, r.status, r.pid, r.started_at, r.finished_at, r.sqlstate, r.message, r.detail, r.hint, r.context
	FROM perf_optimizer.job_runs r
	WHERE r.attempt > 0 AND r.status <> 'queued'
		AND NOT EXISTS (SELECT FROM perf_optimizer.job_attempt a WHERE a.run_id = r.run_id AND a.attempt = r.attempt);
COMMENT ON VIEW perf_optimizer.job_attempts IS 'One row an attempt of a run, with its error. Shows runs of the current role and of roles it is a member of.';

CREATE VIEW perf_optimizer.dead_letter_jobs WITH (security_barrier) AS
	SELECT r.job_id, r.run_id, r.name, d.attempt AS attempts, r.status, r.scheduled_for, r.finished_at, r.sqlstate, r.message, r.detail, r.hint
	FROM perf_optimizer.job_run d JOIN perf_optimizer.job_runs r ON r.run_id = d.run_id
	WHERE d.dead_letter;
COMMENT ON VIEW perf_optimizer.dead_letter_jobs IS 'Runs that failed in their last attempt, until retry_job or the end of the history''s retention.';

CREATE VIEW perf_optimizer.job_metrics WITH (security_barrier) AS
	SELECT j.job_id, j.name, m.runs, m.succeeded, m.failed,
		m.succeeded::float8 / nullif(m.succeeded + m.failed, 0) AS success_ratio,
		m.p50_ms, m.p95_ms, m.avg_wait_ms, m.runs / greatest(m.hours, 1) AS runs_per_hour,
		m.skipped, m.cancelled
	FROM perf_optimizer.jobs j CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE r.started_at IS NOT NULL) AS runs,
			count(*) FILTER (WHERE r.status = 'succeeded') AS succeeded,
			count(*) FILTER (WHERE r.status IN ('failed', 'timed_out', 'crashed')) AS failed,
			count(*) FILTER (WHERE r.status = 'skipped') AS skipped,
			count(*) FILTER (WHERE r.status = 'cancelled') AS cancelled,
			pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY r.duration_ms) FILTER (WHERE r.status = 'succeeded') AS p50_ms,
			pg_catalog.percentile_cont(0.95) WITHIN GROUP (ORDER BY r.duration_ms) FILTER (WHERE r.status = 'succeeded') AS p95_ms,
			avg(EXTRACT(epoch FROM r.started_at - r.scheduled_for) * 1000) FILTER (WHERE r.attempt = 1)::float8 AS avg_wait_ms,
			(EXTRACT(epoch FROM pg_catalog.now() - min(r.scheduled_for)) / 3600)::float8 AS hours
		FROM perf_optimizer.job_runs r WHERE r.job_id = j.job_id) m;
COMMENT ON VIEW perf_optimizer.job_metrics IS 'Each job over the history that is kept (perf_optimizer.history_retention): runs that started, how they ended (failed counts failed, timed_out and crashed), the percentiles of the duration of successful ones, the average time from slot to start of runs without a retry, and runs an hour since the first. Times in milliseconds.';

GRANT SELECT ON perf_optimizer.jobs, perf_optimizer.job_runs, perf_optimizer.job_attempts, perf_optimizer.dead_letter_jobs,
	perf_optimizer.job_metrics TO PUBLIC;
