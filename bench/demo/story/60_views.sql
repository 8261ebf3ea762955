\set ON_ERROR_STOP off
\echo REFRESH MATERIALIZED VIEW CONCURRENTLY monthly_call_summary;
REFRESH MATERIALIZED VIEW CONCURRENTLY monthly_call_summary;
\echo
\echo REFRESH MATERIALIZED VIEW CONCURRENTLY fund_performance_summary;
REFRESH MATERIALIZED VIEW CONCURRENTLY fund_performance_summary;
\set ON_ERROR_STOP on
\echo
\echo SELECT matview, finding, suggested_sql FROM perf_optimizer.matview_status;
SELECT matview, finding, suggested_sql FROM perf_optimizer.matview_status \gx

\echo Each suggestion is run as it stands:
\echo
SELECT suggested_sql FROM perf_optimizer.matview_status WHERE finding IS NOT NULL \g (tuples_only=on format=unaligned)
SELECT suggested_sql FROM perf_optimizer.matview_status WHERE finding IS NOT NULL
\gexec

\echo
\timing on
\echo REFRESH MATERIALIZED VIEW CONCURRENTLY monthly_call_summary;
REFRESH MATERIALIZED VIEW CONCURRENTLY monthly_call_summary;
\echo REFRESH MATERIALIZED VIEW CONCURRENTLY fund_performance_summary;
REFRESH MATERIALIZED VIEW CONCURRENTLY fund_performance_summary;
\timing off
\echo
\echo 'The same by perf_optimizer.refresh, which compares the query''s result with the view and writes the differences:'
\echo
SELECT 'monthly_call_summary' AS matview, mode_used, rows_inserted AS inserted, rows_updated AS updated, rows_deleted AS deleted,
       round(duration_ms::numeric) AS ms
FROM perf_optimizer.refresh('monthly_call_summary')
UNION ALL
SELECT 'fund_performance_summary', mode_used, rows_inserted, rows_updated, rows_deleted, round(duration_ms::numeric)
FROM perf_optimizer.refresh('fund_performance_summary');
