-- One peer: what its proposals, one a line in :proposed, are really worth.
CREATE TEMP TABLE proposed AS SELECT string_to_array(:'proposed', E'\n') AS definitions;
SELECT bench.use_set(definitions) AS bytes FROM proposed \gset
DELETE FROM bench.peer WHERE name = :'peer';
INSERT INTO bench.peer SELECT :'peer', cardinality(definitions), :bytes, sum(bench.cost(query)),
  sum(bench.cost(query)) FILTER (WHERE w.name NOT IN ('q02', 'q17', 'q20')), exp(avg(ln(bench.cost(query) / plain)))
FROM proposed, bench.workload w GROUP BY definitions;
SELECT bench.use_set('{}') \g /dev/null
