-- Keeps the counters of the run just done.
CREATE TABLE demo.:"name" AS SELECT * FROM perf_optimizer.slow_queries(max_rows => 1000);
