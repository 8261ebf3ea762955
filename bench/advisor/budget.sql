-- One budget: what is suggested within :mb MB (NULL: any size), at what cost of planning, and what it is really worth.
SELECT bench.use_set('{}') \g /dev/null
SET client_min_messages = debug1;
CREATE TEMP TABLE clock AS SELECT bench.cpu_ms() AS ms;
CREATE TEMP TABLE suggested AS SELECT s.* FROM perf_optimizer.suggest_indexes(
  queries => (SELECT array_agg(query ORDER BY name) FROM bench.workload),
  storage_budget_bytes => :mb * 1048576::bigint, min_improvement_pct => 0) s;
UPDATE clock SET ms = bench.cpu_ms() - ms;
SET client_min_messages = warning;
SELECT bench.use_set((SELECT array_agg(definition) FROM suggested)) AS bytes \gset
DELETE FROM bench.result WHERE budget IS NOT DISTINCT FROM :mb;
INSERT INTO bench.result SELECT :mb, (SELECT ms FROM clock), (SELECT count(*) FROM suggested),
  (SELECT sum(estimated_size_bytes) FROM suggested), :bytes, (SELECT min(workload_cost_after) FROM suggested),
  (SELECT sum(bench.cost(query)) FROM bench.workload),
  (SELECT sum(bench.cost(query)) FROM bench.workload WHERE name NOT IN ('q02', 'q17', 'q20')),
  (SELECT exp(avg(ln(bench.cost(query) / plain))) FROM bench.workload);
DELETE FROM bench.definitions WHERE budget IS NOT DISTINCT FROM :mb;
INSERT INTO bench.definitions SELECT :mb, rank, definition, reason FROM suggested;
