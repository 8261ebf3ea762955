\echo 'The writers have stopped. One more run, asked for by hand, and the views must equal their queries:'
\echo
CREATE TEMP TABLE last_run AS
SELECT name, perf_optimizer.run_job(job_id) AS run_id FROM perf_optimizer.jobs WHERE kind = 'refresh' ORDER BY job_id;
SELECT name, run_id, perf_optimizer.wait_for_run(run_id) AS status FROM last_run;

SELECT relname AS view, (xpath('/row/n/text()', query_to_xml(format(
         'SELECT count(*) AS n FROM ((TABLE %1$I EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$I)) d',
         relname, rtrim(pg_get_viewdef(oid), ';')), false, true, '')))[1] AS different_rows
FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace;
