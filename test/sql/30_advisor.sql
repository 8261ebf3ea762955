-- suggest_indexes: the indexes that serve a workload best.
CREATE SCHEMA po_advisor;
SET search_path = po_advisor, public;
CREATE TABLE "CapitalCall" (id int PRIMARY KEY, "userId" int, status text, "dueDate" date, amount numeric, note text);
INSERT INTO "CapitalCall" SELECT g, g % 1000, CASE g % 5 WHEN 0 THEN 'PENDING' ELSE 'PAID' END,
       date '2024-01-01' + g % 400, g, repeat('x', 100) FROM generate_series(1, 20000) g;
CREATE TABLE "Payment" (id int PRIMARY KEY, "capitalCallId" int REFERENCES "CapitalCall", amount numeric);
INSERT INTO "Payment" SELECT g, 1 + g % 20000, g FROM generate_series(1, 40000) g;
VACUUM ANALYZE "CapitalCall";
VACUUM ANALYZE "Payment";

SELECT rank, relation, access_method, definition, improvement_pct > 0 AS improves, queries_improved
  FROM perf_optimizer.suggest_indexes(queries => ARRAY[
    'SELECT * FROM "CapitalCall" WHERE "userId" = $1 AND status = $2 ORDER BY "dueDate" DESC LIMIT 10',
    'SELECT * FROM "CapitalCall" WHERE "userId" = $1',
    'SELECT sum(amount) FROM "Payment" WHERE "capitalCallId" = $1']) ORDER BY rank;

-- What exists serves, or nothing would help.
SELECT count(*) FROM perf_optimizer.suggest_indexes(queries => ARRAY[
    'SELECT * FROM "CapitalCall" WHERE id = $1', 'SELECT count(*) FROM "Payment"']);

-- A statement that cannot be planned is left out.
SELECT definition FROM perf_optimizer.suggest_indexes(queries => ARRAY[
    'SELEC 1', 'SELECT sum(amount) FROM "Payment" WHERE "capitalCallId" = $1']);
SELECT * FROM perf_optimizer.suggest_indexes_skipped();

-- A pattern inside a text needs an extension: which one is said.
SELECT count(*) FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT * FROM "CapitalCall" WHERE note LIKE ''%y%''']);

-- Errors.
SELECT * FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELEC 1']);
SELECT * FROM perf_optimizer.suggest_indexes(queries => '{}');
SELECT * FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT 1'], storage_budget_bytes => 0);
SELECT * FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT 1'], weights => ARRAY[-1]);

DROP SCHEMA po_advisor CASCADE;
