-- The statements as pg_stat_statements records them: run once with the indexes for :mb MB, so that all of them end; then how many
-- suggest_indexes leaves out, with samples of their executions at hand and with the normalised texts alone.
SET client_min_messages = warning;
SELECT bench.use_set((SELECT array_agg(definition) FROM bench.definitions WHERE budget = :mb)) \g /dev/null
SELECT pg_stat_statements_reset(), perf_optimizer.reset_tracking() \g /dev/null
\o /dev/null
SELECT query FROM bench.workload ORDER BY name
\gexec
\o
SELECT bench.use_set('{}') \g /dev/null
CREATE TEMP TABLE recorded AS SELECT queryid FROM pg_stat_statements WHERE query ~ '(lineitem|partsupp|customer|orders)' AND query !~ 'bench';
SELECT 'with samples' AS planned_from, count(*) AS suggested, min(workload_cost_after) / max(workload_cost_before) AS cost_left, (SELECT count(*) FROM recorded) AS recorded
FROM perf_optimizer.suggest_indexes();
SELECT query, reason FROM perf_optimizer.suggest_indexes_skipped() WHERE query_id IN (SELECT queryid FROM recorded);
SELECT perf_optimizer.reset_tracking() \g /dev/null
SELECT 'without' AS planned_from, count(*) AS suggested, min(workload_cost_after) / max(workload_cost_before) AS cost_left, (SELECT count(*) FROM recorded) AS recorded
FROM perf_optimizer.suggest_indexes();
SELECT query, reason FROM perf_optimizer.suggest_indexes_skipped() WHERE query_id IN (SELECT queryid FROM recorded);
