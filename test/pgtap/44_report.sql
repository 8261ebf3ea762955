-- Reports: what they hold, for whom, and that no text can break the page.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(25);

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
SELECT ok((SELECT bool_and(f->>'severity' IN ('high', 'medium', 'low', 'info')) FROM jsonb_array_elements(r->'findings') f), 'with severities') FROM report;

SELECT matches(page, '^<!DOCTYPE html>', 'the page is HTML') FROM report;
SELECT is((SELECT count(*) FROM regexp_matches(page, '</script', 'gi')), 2::bigint, 'whose scripts no text can end') FROM report;
SELECT ok(page !~ '<script>alert|<img|<b>&', 'and no text is markup') FROM report;
SELECT ok(page !~* '(src|href)\s*=\s*"?(https?:|//)|url\(|@import|fetch\(|XMLHttpRequest', 'nothing is loaded from anywhere') FROM report;
SELECT ok(page ~ '\\u003c/script\\u003e', 'the texts are there, escaped') FROM report;
SELECT ok(substring(page FROM '<script type="application/json" id="data">(.*?)</script>')::jsonb->'statements' @? '$[*].query ? (@ like_regex "</script><script>alert")', 'and read back as they were') FROM report;

-- Privileges.
SET ROLE po_test_reader;
SELECT count(*) FROM po_items WHERE id = 5 \g /dev/null
SELECT ok(NOT perf_optimizer.workload_report()::text ~ 'needle|alert', 'others'' statements are not in a role''s report');
RESET ROLE;

-- Intervals.
SELECT is((perf_optimizer.workload_report(now() - interval '3 days', now() - interval '2 days')->'totals'->>'snapshots')::int, 0, 'an interval before');
SELECT throws_ok('SELECT perf_optimizer.workload_report(now(), now())', '22023', NULL, 'an empty interval');
SELECT throws_ok('SELECT perf_optimizer.report_html(now(), now() - interval ''1 day'')', '22023', NULL, 'a reversed one');

DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader;
SELECT * FROM finish();
