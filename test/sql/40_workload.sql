-- slow_queries without pg_stat_statements, and its wrong arguments.
\pset format unaligned
SELECT * FROM perf_optimizer.slow_queries();
SELECT * FROM perf_optimizer.slow_queries(order_by => 'cpu');
SELECT * FROM perf_optimizer.slow_queries(max_rows => 0);
SELECT * FROM perf_optimizer.slow_queries(min_mean_ms => NULL);
