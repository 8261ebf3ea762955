/* ---- tracking: what the shared table knows of this database's statements ---- */

CREATE FUNCTION perf_optimizer.tracked_statements(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT calls bigint,
  OUT errors bigint,
  OUT row_count float8,
  OUT total_time_ms float8,
  OUT mean_time_ms float8,
  OUT min_time_ms float8,
  OUT max_time_ms float8,
  OUT stddev_time_ms float8,
  OUT p50_ms float8,
  OUT p95_ms float8,
  OUT p99_ms float8,
  OUT plans int,
  OUT first_seen timestamptz,
  OUT last_seen timestamptz,
  OUT n_plus_one boolean,
  OUT repeated boolean,
  OUT plan_flip boolean,
  OUT failed_time_ms float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_statements';

COMMENT ON FUNCTION perf_optimizer.tracked_statements() IS
'The statements of this database that are tracked, one row for each statement, role and level, without those still running.
calls ended well, errors did not and took failed_time_ms. Times are milliseconds of execution; p50_ms, p95_ms and p99_ms come from a histogram whose
buckets are at most 3.2 % wide from 10 microseconds on. plans is the number of plan shapes kept, four at most. n_plus_one and repeated tell that it ran in bursts, plan_flip that one
of its plan shapes has at least twice the mean time of another, over five calls or more of each.
query_id is NULL for other roles'' statements unless you are a member of pg_read_all_stats. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_plans(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT plan_id bigint,
  OUT calls bigint,
  OUT total_time_ms float8,
  OUT first_seen timestamptz,
  OUT last_seen timestamptz,
  OUT plan text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_plans';

COMMENT ON FUNCTION perf_optimizer.tracked_plans() IS
'The plan shapes of the tracked statements of this database: nodes, relations and indexes make the shape, costs and constants do not.
plan is the text of the first execution that was captured, NULL when none was. Identifiers and texts of other roles are NULL
unless you are a member of pg_read_all_stats. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_bursts(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT relid oid,
  OUT kind text,
  OUT bursts bigint,
  OUT executions bigint,
  OUT max_burst bigint,
  OUT total_time_ms float8,
  OUT parent_query_id bigint,
  OUT suggestion text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_bursts';

COMMENT ON FUNCTION perf_optimizer.tracked_bursts() IS
'Bursts of the tracked statements of this database, as n_plus_one_queries shows them with their texts. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_histograms(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT latency_ms float8[],
  OUT counts bigint[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_histograms';

COMMENT ON FUNCTION perf_optimizer.tracked_histograms() IS
'The latency histograms of the tracked statements of this database: the middle of each bucket that is not empty, in milliseconds,
in rising order, and how many executions fell into it. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_loads(top int, OUT query_id bigint, OUT calls float8, OUT total_time_ms float8, OUT row_count float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_loads';
COMMENT ON FUNCTION perf_optimizer.tracked_loads(int) IS
'The tracked statements of this database that took most time, top of them, and in one more row, without query_id, all others and those of other roles that the caller may not know. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_latencies(OUT latency_ms float8, OUT count bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_latencies';
COMMENT ON FUNCTION perf_optimizer.tracked_latencies() IS
'The latency histogram of all tracked statements of this database together: the middle of each bucket that is not empty, in milliseconds, and how many executions fell into it. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.query_samples(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT kind text,
  OUT captured_at timestamptz,
  OUT time_ms float8,
  OUT query text,
  OUT params text[],
  OUT param_types text[],
  OUT constant_types text[],
  OUT sample_search_path text,
  OUT plannable boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_query_samples';

COMMENT ON FUNCTION perf_optimizer.query_samples() IS
'Captured executions of this database''s statements: kind slow is the newest that took about as long as the 95th percentile,
typical one near the median. query is the text as it was sent, params the values of $1, $2, ... in text form, constant_types
the types of the constants that a normalised text replaces, in its order (NULL: not known). A statement of a client that failed has no params;
a utility statement other than CALL and DO no strings, for they may be passwords. plannable tells that text and values
are whole, so that the statement plans as it is. perf_optimizer.capture_samples, perf_optimizer.redact_samples and
perf_optimizer.sample_length set what is kept. You see your own, and all as a member of pg_read_all_stats.
Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.tracking_stats(
  OUT statements int,
  OUT max_statements int,
  OUT evicted bigint,
  OUT evicted_calls bigint,
  OUT evicted_time_ms float8,
  OUT text_used_ratio float8,
  OUT texts_dropped bigint,
  OUT since timestamptz)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracking_stats';

COMMENT ON FUNCTION perf_optimizer.tracking_stats() IS
'How full the shared table of the whole cluster is: statements of max_statements (perf_optimizer.track_max), how many were
evicted to make room and the calls and time that went with them, how much of perf_optimizer.text_memory is used,
how many samples, plans and suggestions made room for others or found none. Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.reset_tracking() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_reset_tracking';

COMMENT ON FUNCTION perf_optimizer.reset_tracking() IS
'Forgets what was tracked in this database, samples and plans included; the history of snapshots stays.
Not undone by ROLLBACK. Errors: 55000 unless perf_optimizer is preloaded.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.reset_tracking() FROM PUBLIC;
