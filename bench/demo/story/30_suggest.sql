-- What the planner would do with indexes that do not exist, for the whole workload.
\timing on
CREATE TABLE demo.suggestion AS SELECT * FROM perf_optimizer.suggest_indexes();
\timing off

SELECT rank AS "#", replace(definition, 'CREATE INDEX CONCURRENTLY ON public.', '… ') AS definition,
       pg_size_pretty(estimated_size_bytes) AS size, round(improvement_pct::numeric, 1) AS improved_pct,
       queries_improved AS statements
FROM demo.suggestion ORDER BY rank;

SELECT rank AS "#", reason FROM demo.suggestion ORDER BY rank LIMIT 3;
