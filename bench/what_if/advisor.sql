-- The advisor on the demo's recorded workload, and on 1000 different statements.
SET client_min_messages = debug1;
\timing on
SELECT count(*) AS suggested, round(max(improvement_pct)::numeric, 1) AS improvement_pct FROM perf_optimizer.suggest_indexes();
SELECT count(*) AS suggested, round(max(improvement_pct)::numeric, 1) AS improvement_pct
FROM perf_optimizer.suggest_indexes(storage_budget_bytes => 5000000);
\timing off
SELECT array_agg(format('SELECT "id", %s FROM "CapitalCall" WHERE "userId" = %s AND %s ORDER BY %s LIMIT %s',
         (ARRAY['"dueDate"', '"status"', '"amountDue"', '"fundName"'])[1 + g % 4], g,
         (ARRAY['"status" = ''PAID''', '"dueDate" > ''2026-01-01''', '"fundName" = ''x''', '"amountDue" < 5', '"paidAt" IS NULL'])[1 + g % 5],
         (ARRAY['"dueDate" DESC', '"createdAt"', '"amountDue"'])[1 + g % 3], 1 + g % 7)) AS queries
FROM generate_series(1, 1000) g \gset
\timing on
SELECT count(*) AS suggested, round(max(improvement_pct)::numeric, 1) AS improvement_pct
FROM perf_optimizer.suggest_indexes(queries => :'queries');
\timing off
