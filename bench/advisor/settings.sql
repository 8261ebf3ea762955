-- The settings that costs depend on.
ALTER SYSTEM SET random_page_cost = 1.1;
ALTER SYSTEM SET effective_cache_size = '6GB';
ALTER SYSTEM SET work_mem = '64MB';
ALTER SYSTEM SET max_parallel_workers_per_gather = 0;
ALTER SYSTEM SET max_parallel_maintenance_workers = 0;
ALTER SYSTEM SET jit = off;
ALTER SYSTEM SET maintenance_work_mem = '1GB';
SELECT pg_reload_conf() \g /dev/null
