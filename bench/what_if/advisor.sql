-- The advisor on the demo's recorded workload, and on 1000 different statements: what came of it and the CPU time.
SELECT array_agg(format('SELECT "id", %s FROM "CapitalCall" WHERE "userId" = %s AND %s ORDER BY %s LIMIT %s',
         (ARRAY['"dueDate"', '"status"', '"amountDue"', '"fundName"'])[1 + g % 4], g,
         (ARRAY['"status" = ''PAID''', '"dueDate" > ''2026-01-01''', '"fundName" = ''x''', '"amountDue" < 5', '"paidAt" IS NULL'])[1 + g % 5],
         (ARRAY['"dueDate" DESC', '"createdAt"', '"amountDue"'])[1 + g % 3], 1 + g % 7)) AS queries
FROM generate_series(1, 1000) g \gset
-- A session's first call loads the library.
SELECT perf_optimizer.suggest_indexes(queries => ARRAY['SELECT 1']) \g /dev/null
SET client_min_messages = debug1;
SELECT cpu_ms() AS start \gset
SELECT format('recorded statements: %s indexes, %s %% less', count(*), round(max(improvement_pct)::numeric, 1)) FROM perf_optimizer.suggest_indexes();
SELECT format('   %s ms of CPU', cpu_ms() - :start);
SELECT cpu_ms() AS start \gset
SELECT format('within 5 MB: %s indexes, %s %% less', count(*), round(max(improvement_pct)::numeric, 1)) FROM perf_optimizer.suggest_indexes(storage_budget_bytes => 5000000);
SELECT format('   %s ms of CPU', cpu_ms() - :start);
SELECT cpu_ms() AS start \gset
SELECT format('1000 different statements: %s indexes, %s %% less', count(*), round(max(improvement_pct)::numeric, 1)) FROM perf_optimizer.suggest_indexes(queries => :'queries');
SELECT format('   %s ms of CPU', cpu_ms() - :start);
