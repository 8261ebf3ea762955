-- Lets pg_qualstats see the conditions of the statements: planned, not run, because two of them would never end.
SET client_min_messages = warning;
SET pg_qualstats.sample_rate = 1;
SELECT pg_qualstats_reset();
SELECT 'EXPLAIN ' || query FROM bench.workload, generate_series(1, 2) ORDER BY name \gexec
