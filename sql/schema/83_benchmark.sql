/* ---- benchmarks and baselines ---- */

CREATE FUNCTION perf_optimizer.benchmark_query(query text, iterations int DEFAULT 100, params text[] DEFAULT NULL,
  OUT n int, OUT mean_ms float8, OUT stddev_ms float8, OUT min_ms float8, OUT p50_ms float8, OUT p95_ms float8, OUT p99_ms float8,
  OUT max_ms float8, OUT outliers int, OUT warmup int)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_benchmark_query';
COMMENT ON FUNCTION perf_optimizer.benchmark_query(text, int, text[]) IS
'Executes one statement many times with the caller''s rights and tells the times in milliseconds, planning not included. query: one statement that has a plan; iterations: 1 to 1000000; params: values of $1, $2, ... in text form. It is planned once; a warm-up of a tenth of the iterations, 1 to 10, does not count; each execution is rolled back, as execute of analyze_query is; the cost of reading the clock is taken off. Percentiles are by the nearest rank; outliers are times more than three quartile distances above the upper quartile, and count in all figures. Errors: as of analyze_query, and 22023 for iterations.';

CREATE TABLE perf_optimizer.baseline (
  owner oid NOT NULL,
  name text NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT now(),
  statements jsonb NOT NULL,
  PRIMARY KEY (owner, name)
);
COMMENT ON TABLE perf_optimizer.baseline IS 'Figures of statements that save_baseline kept; no texts. Written by save_baseline and drop_baseline alone.';

CREATE FUNCTION perf_optimizer.baseline_statements() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object('query_id', s.query_id, 'role', s.role_name, 'toplevel', s.toplevel, 'calls', s.calls, 'mean', s.mean_time_ms, 'stddev', s.stddev_time_ms)), '[]')
  FROM perf_optimizer.slow_queries(max_rows => 100000) s WHERE s.query_id IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.baseline_statements() IS 'The figures of the statements that the current user may see, as save_baseline keeps them.';

CREATE FUNCTION perf_optimizer.save_baseline(name text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_save_baseline';
COMMENT ON FUNCTION perf_optimizer.save_baseline(text) IS
'Keeps the present figures of the statements of this database that you may see, under a name of yours, for compare_baseline; returns how many. A baseline of that name is replaced. Errors: 22004, 22023 no name; 55000 pg_stat_statements is not there.';

CREATE FUNCTION perf_optimizer.drop_baseline(name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_baseline';
COMMENT ON FUNCTION perf_optimizer.drop_baseline(text) IS 'Forgets your baseline of a name; false when there is none. Errors: 22004, 22023 no name.';

CREATE VIEW perf_optimizer.baselines WITH (security_barrier) AS
SELECT b.name, b.saved_at, pg_catalog.jsonb_array_length(b.statements) AS statement_count, b.owner::pg_catalog.regrole AS owner
  FROM perf_optimizer.baseline b WHERE pg_catalog.pg_has_role(b.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.baselines IS 'The baselines of the roles whose rights the current user has.';
GRANT SELECT ON perf_optimizer.baselines TO PUBLIC;

CREATE VIEW perf_optimizer.baseline_figures WITH (security_barrier) AS
SELECT b.owner, b.name, s.query_id, s.role, s.toplevel, s.calls, s.mean, s.stddev
  FROM perf_optimizer.baseline b,
       LATERAL pg_catalog.jsonb_to_recordset(b.statements) s (query_id bigint, role name, toplevel boolean, calls float8, mean float8, stddev float8)
 WHERE pg_catalog.pg_has_role(b.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.baseline_figures IS 'The figures in the baselines of the roles whose rights the current user has.';
GRANT SELECT ON perf_optimizer.baseline_figures TO PUBLIC;

CREATE FUNCTION perf_optimizer.compare_baseline(name text,
  OUT query_id bigint, OUT role_name name, OUT query text, OUT verdict text, OUT baseline_calls bigint, OUT baseline_mean_ms float8,
  OUT calls bigint, OUT mean_ms float8, OUT ratio float8, OUT p_value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_argument($1, 'name');
  IF NOT EXISTS (SELECT FROM perf_optimizer.baselines b WHERE b.name = $1 AND b.owner = current_user::regrole) THEN
    RAISE EXCEPTION 'baseline "%" does not exist', $1 USING ERRCODE = '42704', HINT = 'The view perf_optimizer.baselines lists the baselines.';
  END IF;
  RETURN QUERY
  WITH present AS (
    SELECT s.query_id, s.role_name, s.toplevel, s.query, s.calls::float8 AS calls, s.mean_time_ms AS mean, s.stddev_time_ms AS stddev
      FROM perf_optimizer.slow_queries(max_rows => 100000) s WHERE s.query_id IS NOT NULL
  ), saved AS (
    SELECT f.* FROM perf_optimizer.baseline_figures f WHERE f.name = $1 AND f.owner = current_user::regrole
  ), grown AS (
    -- What came since, where the counters went on; all there is, where they began anew.
    SELECT p.*, b.calls AS n1, b.mean AS mean1, b.stddev AS stddev1, b.query_id IS NOT NULL AS known,
           CASE WHEN p.calls >= b.calls AND p.calls * p.mean >= b.calls * b.mean * 0.999 THEN b.calls ELSE 0 END AS before
      FROM present p LEFT JOIN saved b ON b.query_id = p.query_id AND b.role = p.role_name AND b.toplevel = p.toplevel
  ), since AS (
    SELECT g.*, g.calls - g.before AS n2,
           (g.calls * g.mean - g.before * coalesce(g.mean1, 0)) / nullif(g.calls - g.before, 0) AS mean2,
           (g.calls * (g.stddev ^ 2 + g.mean ^ 2) - g.before * (coalesce(g.stddev1, 0) ^ 2 + coalesce(g.mean1, 0) ^ 2)) / nullif(g.calls - g.before, 0) AS square2
      FROM grown g
  ), tested AS (
    SELECT s.*, CASE WHEN s.known AND s.n1 >= 2 AND s.n2 >= 2
           THEN perf_optimizer.welch_p_value(s.n1, s.mean1, s.stddev1, s.n2, s.mean2, sqrt(greatest(s.square2 - s.mean2 ^ 2, 0))) END AS p
      FROM since s WHERE s.n2 > 0
  )
  SELECT t.query_id, t.role_name, t.query,
         CASE WHEN NOT t.known THEN 'new' WHEN t.p IS NULL THEN 'too few calls'
              WHEN t.p < 0.01 AND t.mean2 >= 1.2 * t.mean1 THEN 'slower' WHEN t.p > 0.99 AND t.mean2 <= t.mean1 / 1.2 THEN 'faster' ELSE 'same' END,
         t.n1::bigint, t.mean1, t.n2::bigint, t.mean2, t.mean2 / nullif(t.mean1, 0), t.p
    FROM tested t
   ORDER BY CASE WHEN t.known AND t.p < 0.01 AND t.mean2 >= 1.2 * t.mean1 THEN 0 ELSE 1 END, t.n2 * t.mean2 DESC, t.query_id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.compare_baseline(text) IS
'Compares the statements that ran since your baseline of that name was saved (or since the counters were reset) with it, the slower ones first. verdict: slower or faster, by a fifth or more and beyond chance (Welch''s t-test, p_value below 0.01 or above 0.99); same; new; too few calls. p_value: how likely a rise of the mean would be by chance. Times in milliseconds. Errors: 22004 a NULL, 42704 no such baseline, 55000 pg_stat_statements is not there.';
