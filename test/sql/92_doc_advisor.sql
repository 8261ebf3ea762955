-- The examples of doc/advisor.md.
CREATE SCHEMA doc_advisor;
SET search_path = doc_advisor;
CREATE TABLE "CapitalCall" ("id" int PRIMARY KEY, "userId" int NOT NULL, "fundName" text NOT NULL, "dueDate" date NOT NULL, "status" text NOT NULL);
INSERT INTO "CapitalCall" SELECT i, (i * 7919 + i % 7 * 13) % 500, 'Fund ' || i % 20, date '2025-01-01' + i % 365, CASE WHEN i % 13 = 0 THEN 'PENDING' ELSE 'PAID' END
  FROM generate_series(1, 20000) AS i;
CREATE INDEX call_due ON "CapitalCall" ("dueDate");
VACUUM ANALYZE "CapitalCall";
SELECT used_indexes, cost_after < cost_before / 10 AS ten_times_cheaper, improvement_pct > 90 AS by_more_than_90_pct
  FROM perf_optimizer.what_if('SELECT * FROM "CapitalCall" WHERE "userId" = 42 AND "status" = ''PENDING''',
                              ARRAY['CREATE INDEX ON "CapitalCall" ("userId", "status")']);
SELECT indexname FROM pg_indexes WHERE tablename = 'CapitalCall';
SELECT used_indexes, cost_after > cost_before AS dearer_without
  FROM perf_optimizer.what_if('SELECT * FROM "CapitalCall" WHERE "dueDate" = ''2025-03-01''', hide => '{call_due}');
SELECT * FROM perf_optimizer.what_if('SELECT 1', ARRAY['DROP TABLE "CapitalCall"']);
SELECT rank, definition, queries_improved FROM perf_optimizer.suggest_indexes(queries => ARRAY[
    'SELECT * FROM "CapitalCall" WHERE "userId" = $1 AND "fundName" = $2',
    'SELECT count(*) FROM "CapitalCall" WHERE "userId" = $1',
    'SELECT * FROM "CapitalCall" WHERE "dueDate" = $1',
    'UPDATE "CapitalCall" SET "status" = $2 WHERE "id" = $1'], weights => '{10,5,1,20}');
SELECT count(*) FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT * FROM "CapitalCall" WHERE "dueDate" = $1']);
SELECT * FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT 1', 'SELECT * FROM nowhere']);
SELECT * FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT 1'], weights => '{1,2}');
ALTER TABLE "CapitalCall" ADD COLUMN "terms" jsonb NOT NULL DEFAULT '{}';
UPDATE "CapitalCall" SET "terms" = jsonb_build_object('currency', (ARRAY['EUR', 'USD', 'GBP'])[1 + "id" % 3], 'series', "id" % 700);
VACUUM FULL ANALYZE "CapitalCall";
SELECT access_method, definition FROM perf_optimizer.suggest_indexes(queries => ARRAY[
    'SELECT "fundName", count(*) FROM "CapitalCall" WHERE "userId" BETWEEN 7 AND 16 GROUP BY 1',
    'SELECT * FROM "CapitalCall" WHERE "terms" @> ''{"series": 77}''']);
SELECT reason FROM perf_optimizer.suggest_indexes(queries => ARRAY['SELECT * FROM "CapitalCall" WHERE "dueDate" = $1 AND "userId" = $2']);
CREATE TABLE "Investor" ("id" int PRIMARY KEY, "country" text NOT NULL);
INSERT INTO "Investor" SELECT i, CASE WHEN i % 10 = 0 THEN 'MT' ELSE 'LU' END FROM generate_series(0, 499) AS i;
CREATE TABLE "Payment" ("id" int PRIMARY KEY, "callId" int NOT NULL, "amount" int NOT NULL);
INSERT INTO "Payment" SELECT i, i / 10 + 1, i % 1000 FROM generate_series(0, 29999) AS i;
VACUUM ANALYZE "Investor", "Payment";
SELECT substring(reason FROM 'The gain.*') AS reason FROM perf_optimizer.suggest_indexes('"Payment"', queries => ARRAY[
    'SELECT sum(p."amount") FROM "Investor" i JOIN "CapitalCall" c ON c."userId" = i."id"
     JOIN "Payment" p ON p."callId" = c."id" WHERE i."country" = ''MT'' AND c."status" = ''PENDING''']);
SET client_min_messages = warning;
DROP SCHEMA doc_advisor CASCADE;
