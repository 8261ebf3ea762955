-- Reports: what they hold, for whom, and that no text can break the page.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(45);

CREATE TABLE po_items (id int PRIMARY KEY, v text);
INSERT INTO po_items SELECT i, repeat('x', 50) FROM generate_series(1, 3000) AS i;
ANALYZE po_items;
CREATE MATERIALIZED VIEW po_view AS SELECT count(*) AS n FROM po_items;
CREATE ROLE po_test_reader;
GRANT SELECT ON po_items TO po_test_reader;
SELECT perf_optimizer.reset_tracking() \g /dev/null
SELECT pg_stat_statements_reset() \g /dev/null

-- Without snapshots: live.
SELECT count(*) FROM po_items WHERE v = 'needle' \g /dev/null
SELECT 'SELECT count(*) FROM po_items WHERE v = ''a''' FROM generate_series(1, 20) \gexec
CREATE TEMP TABLE live AS SELECT perf_optimizer.workload_report() AS r;
SELECT is(r->>'source', 'live', 'without snapshots the numbers are those of tracking') FROM live;
SELECT ok(r->'statements' @> '[{"calls": 21}]', 'with the statements') FROM live;
SELECT ok(NOT r->'statements' @? '$[*].query ? (@ like_regex "perf_optimizer[.]")', 'but not our own') FROM live;

-- Hostile texts.
SELECT 1 AS "</script><script>alert(1)</script>" FROM po_items WHERE v = '<!--' AND id = 1 \g /dev/null
SELECT 1 AS "<img src=x onerror=alert(1)>" FROM po_items WHERE v = E'quote " '' \\ \u2028 \u0001 \t' AND id = 1 \g /dev/null
CREATE TABLE "</script><b>&amp;" (id int);
SELECT count(*) FROM "</script><b>&amp;" \g /dev/null
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT 'SELECT count(*) FROM po_items WHERE v = ''b''' FROM generate_series(1, 5) \gexec
SELECT 1 AS "</script><script>alert(1)</script>" FROM po_items WHERE v = '<!--' AND id = 2 \g /dev/null
SELECT count(*) FROM "</script><b>&amp;" \g /dev/null
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT perf_optimizer.take_snapshot() \g /dev/null

CREATE TEMP TABLE report AS SELECT perf_optimizer.workload_report() AS r, perf_optimizer.report_html() AS page;
SELECT is(r->>'source', 'history', 'with snapshots they are those of the history') FROM report;
SELECT ok(r->'statements' @? '$[*] ? (@.query like_regex "FROM po_items WHERE v = " && @.calls >= 5)', 'the costliest statements') FROM report;
SELECT ok((SELECT bool_and((s->>'p50_ms')::float8 <= (s->>'p99_ms')::float8 AND jsonb_array_length(s->'latency_ms') = jsonb_array_length(s->'counts')) FROM jsonb_array_elements(r->'statements') s
            WHERE s->>'p50_ms' IS NOT NULL), 'with percentiles and histograms') FROM report;
SELECT ok((r->'totals'->>'calls')::float8 > 20 AND (r->'totals'->>'snapshots')::int = 2, 'totals') FROM report;
SELECT ok((r->'earlier'->>'snapshots')::int = 0, 'and those of the interval before') FROM report;
SELECT ok(jsonb_array_length(r->'load') = 2, 'load by snapshot') FROM report;
SELECT ok(r->'tables' @> '[{"relation": "public.po_items"}]', 'tables') FROM report;
SELECT ok(r->'indexes' @> '[{"index_name": "public.po_items_pkey"}]', 'indexes') FROM report;
SELECT ok(r->'matviews' @> '[{"matview": "po_view"}]' OR r->'matviews' @> '[{"matview": "public.po_view"}]', 'materialized views') FROM report;
SELECT ok(r->'n_plus_one' @? '$[*] ? (@.executions >= 5 && @.query like_regex "FROM po_items WHERE v")', 'statements that run again and again') FROM report;
SELECT ok(r->'findings' @? '$[*].rule', 'findings') FROM report;
SELECT ok(r->'tiles' @> '[{"label": "Calls", "unit": "n"}, {"label": "Buffer hits"}, {"label": "Connections, most", "state": "good"}, {"label": "Oldest transaction ids", "state": "good"}]', 'tiles of health') FROM report;
SELECT is(r->'changes', '[]'::jsonb, 'nothing to compare with yet') FROM report;
SELECT ok(r->'archive_policies' = '[]' AND r->'jobs' = '[]' AND r->'settings' = '[]', 'no archive, no jobs, no changed settings') FROM report;
SELECT ok((SELECT bool_and(f->>'severity' IN ('high', 'medium', 'low', 'info')) FROM jsonb_array_elements(r->'findings') f), 'with severities') FROM report;

SELECT matches(page, '^<!DOCTYPE html>', 'the page is HTML') FROM report;
SELECT is((SELECT count(*) FROM regexp_matches(page, '</script', 'gi')), 2::bigint, 'whose scripts no text can end') FROM report;
SELECT ok(page !~ '<script>alert|<img|<b>&', 'and no text is markup') FROM report;
SELECT ok(page !~* '(src|href)\s*=\s*"?(https?:|//)|url\(|@import|fetch\(|XMLHttpRequest', 'nothing is loaded from anywhere') FROM report;
SELECT ok(page ~ '\\u003c/script\\u003e', 'the texts are there, escaped') FROM report;
SELECT ok(substring(page FROM '<script type="application/json" id="data">(.*?)</script>')::jsonb->'statements' @? '$[*].query ? (@ like_regex "</script><script>alert")', 'and read back as they were') FROM report;

-- Two intervals side by side, and a long one in few parts.
UPDATE perf_optimizer.snapshot SET from_at = from_at - interval '1 day', taken_at = taken_at - interval '1 day';
SELECT 'SELECT count(*) FROM po_items WHERE v = ''c''' FROM generate_series(1, 40) \gexec
SELECT max(repeat(v, 50)) FROM po_items \g /dev/null
SELECT perf_optimizer.take_snapshot() \g /dev/null
CREATE TEMP TABLE compared AS SELECT perf_optimizer.workload_report() AS r;
SELECT ok((r->'earlier'->>'calls')::float8 > 0 AND (r->'totals'->>'calls')::float8 > 0, 'sums of both intervals') FROM compared;
CREATE TEMP TABLE changes AS SELECT perf_optimizer.report_changes(ARRAY(SELECT w FROM perf_optimizer.statement_windows(now() - interval '2 days', now() - interval '12 hours', 'infinity') w), 1000) AS all;
SELECT ok(jsonb_array_length(r->'changes') BETWEEN 1 AND 20, 'what changed most') FROM compared;
SELECT ok(changes.all @? '$[*] ? (@.query like_regex "max" && @.change == "new" && @.calls == 1)', 'what is new') FROM changes;
SELECT ok(changes.all @? '$[*] ? (@.change == "gone" && @.calls == null && @.calls_before > 0)', 'what is gone') FROM changes;
SELECT ok(changes.all @? '$[*] ? (@.query like_regex "v = " && @.calls == 40 && @.calls_before >= 5)', 'what changed') FROM changes;
SELECT ok(r->'statements' @? '$[*] ? (@.query like_regex "v = " && @.earlier_mean_ms > 0)', 'statements have their mean before') FROM compared;
INSERT INTO perf_optimizer.snapshot (from_at, taken_at) SELECT now() - i * interval '1 minute', now() - (i - 1) * interval '1 minute' FROM generate_series(1, 1000) AS i;
SELECT ok(jsonb_array_length(perf_optimizer.workload_report()->'load') BETWEEN 200 AND 240, 'charts of many snapshots stay small');
DELETE FROM perf_optimizer.snapshot WHERE connections IS NULL;

-- The rules are those of slow_queries.
SELECT is(perf_optimizer.statement_rules(10, 2000, 0, 0, 1e9, 1e9, 2000, 0, 1e9, 1e9), ARRAY['slow-query', 'high-total-time', 'temp-heavy', 'wal-heavy'], 'rules of a statement');
SELECT is(perf_optimizer.statement_rules(1000, 100, 1e5, 1e6, 0, 0, 1e6, 1e6, 0, 0, 0.1, 1, 10), ARRAY['low-hit-ratio', 'high-variance'], 'with percentiles');
SELECT results_eq($$SELECT rule, severity FROM perf_optimizer.statement_findings('[{"query_id": "1", "calls": 10, "mean_ms": 2000, "time_share_pct": 60, "rules": ["slow-query", "high-total-time"]}]')$$,
                  $$VALUES ('slow-query', 'high'), ('high-total-time', 'high')$$, 'their severity');
SELECT results_eq($$SELECT severity, suggested_sql FROM perf_optimizer.advice_findings('[{"rank": 1, "definition": "a", "improvement_pct": 60}, {"rank": 2, "definition": "b", "improvement_pct": 65}]', '[]', 1)$$,
                  $$VALUES ('high', 'a'), ('low', 'b')$$, 'an index counts for what it adds');
SELECT is(rule || ' ' || severity || ' ' || suggested_sql, 'job-fails high SELECT perf_optimizer.run_job(7)', 'a job that fails')
  FROM perf_optimizer.maintenance_findings('{"jobs": [{"job_id": 7, "job": "j", "failures_in_a_row": 4}, {"job_id": 8, "job": "k", "failures_in_a_row": 0}], "matviews": [], "archive_policies": []}');

-- Another role's statement is planned as that role, never with the reader's rights: planning runs immutable functions.
CREATE ROLE po_test_hostile;
CREATE SEQUENCE po_as_reader;
CREATE SEQUENCE po_as_issuer;
GRANT USAGE ON SEQUENCE po_as_reader, po_as_issuer TO PUBLIC;
GRANT SELECT ON po_items TO po_test_hostile;
GRANT CREATE ON SCHEMA public TO po_test_hostile;
SET ROLE po_test_hostile;
CREATE FUNCTION public.po_hostile(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM nextval(CASE current_user WHEN 'po_test_hostile' THEN 'public.po_as_issuer' ELSE 'public.po_as_reader' END);
  RETURN i;
END $$;
SELECT 'SELECT count(*) FROM po_items WHERE v = ''x'' AND id > public.po_hostile(1)' FROM generate_series(1, 20) \gexec
RESET ROLE;
SELECT perf_optimizer.take_snapshot() \g /dev/null
SELECT setval('po_as_issuer', 1, false), setval('po_as_reader', 1, false) \g /dev/null
SELECT ok(perf_optimizer.workload_report()->'statements' @? '$[*].query ? (@ like_regex "po_hostile")', 'a report shows a hostile statement');
SELECT ok(perf_optimizer.report_html() ~ 'po_hostile', 'the page, too');
SELECT count(*) FROM perf_optimizer.query_regressions() \g /dev/null
SELECT count(*) FROM perf_optimizer.statement_history h CROSS JOIN LATERAL perf_optimizer.query_plans(h.query_id) \g /dev/null
SELECT is((SELECT is_called FROM po_as_reader), false, 'it never runs with the reader''s rights');
SELECT is((SELECT is_called FROM po_as_issuer), true, 'it is planned as its issuer');
DROP OWNED BY po_test_hostile;
DROP ROLE po_test_hostile;

-- Privileges.
SET ROLE po_test_reader;
SELECT count(*) FROM po_items WHERE id = 5 \g /dev/null
SELECT ok(NOT perf_optimizer.workload_report()::text ~ 'needle|alert|po_hostile|FROM po_items WHERE v', 'others'' statements are not in a role''s report');
RESET ROLE;

-- Intervals.
SELECT is((perf_optimizer.workload_report(now() - interval '3 days', now() - interval '2 days')->'totals'->>'snapshots')::int, 0, 'an interval before');
SELECT throws_ok('SELECT perf_optimizer.workload_report(now(), now())', '22023', NULL, 'an empty interval');
SELECT throws_ok('SELECT perf_optimizer.workload_report(''-infinity'')', '22023', NULL, 'an endless one');
SELECT throws_ok('SELECT perf_optimizer.report_html(now(), now() - interval ''1 day'')', '22023', NULL, 'a reversed one');

DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader;
SELECT * FROM finish();
