-- what_if: a statement's plan with indexes that do not exist.
CREATE SCHEMA po_what_if;
SET search_path = po_what_if, public;
CREATE TABLE "CapitalCall" (id int PRIMARY KEY, "userId" int, status text, "dueDate" date);
INSERT INTO "CapitalCall" SELECT g, g % 1000, CASE g % 5 WHEN 0 THEN 'PENDING' ELSE 'PAID' END, date '2024-01-01' + g % 400
  FROM generate_series(1, 20000) g;
VACUUM ANALYZE "CapitalCall";

-- The statement scans the table; with the index it would not.
SELECT cost_after < cost_before AS cheaper, improvement_pct > 90 AS much, used_indexes,
       plan_before -> 0 ->> 'node_type' AS before, plan_after -> 0 ->> 'node_type' AS after
  FROM perf_optimizer.what_if('SELECT * FROM "CapitalCall" WHERE "userId" = 7 ORDER BY "dueDate" LIMIT 5',
                              ARRAY['CREATE INDEX ON "CapitalCall" ("userId", "dueDate")']);

-- An index that is of no use, and an existing one hidden.
SELECT cost_after = cost_before AS same, used_indexes
  FROM perf_optimizer.what_if('SELECT * FROM "CapitalCall" WHERE "userId" = 7', ARRAY['CREATE INDEX ON "CapitalCall" (status)']);
SELECT improvement_pct < 0 AS worse, used_indexes
  FROM perf_optimizer.what_if('SELECT * FROM "CapitalCall" WHERE id = 7', hide => ARRAY['"CapitalCall_pkey"'::regclass]);

-- Nothing was created.
SELECT count(*) AS indexes FROM pg_index WHERE indrelid = '"CapitalCall"'::regclass;

-- Errors.
SELECT perf_optimizer.what_if('SELECT 1', ARRAY['DROP TABLE "CapitalCall"']);
SELECT perf_optimizer.what_if('SELECT 1', ARRAY['CREATE INDEX ON "CapitalCall" (nothing)']);
SELECT perf_optimizer.what_if('SELECT 1', ARRAY['CREATE INDEX ON']);
SELECT perf_optimizer.what_if('SELECT 1', hide => ARRAY['"CapitalCall"'::regclass]);

DROP SCHEMA po_what_if CASCADE;
