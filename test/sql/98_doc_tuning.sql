-- The examples of doc/tuning.md.
CREATE SCHEMA doc_tuning;
SET search_path = doc_tuning;
CREATE TABLE "Fund" ("id" int PRIMARY KEY, "name" text);
CREATE TABLE "CapitalCall" ("id" int PRIMARY KEY, "fundId" int NOT NULL REFERENCES "Fund", "city" int, "zip" int, "amount" int NOT NULL, "isPaid" boolean NOT NULL);
INSERT INTO "Fund" SELECT i, 'Fund ' || i FROM generate_series(1, 50) AS i;
INSERT INTO "CapitalCall" SELECT i, 1 + i % 50, i % 400, i % 400 * 3, i % 777, i % 40 <> 0 FROM generate_series(1, 20000) AS i;
CREATE INDEX call_amount ON "CapitalCall" ("amount");
CREATE INDEX call_amount_paid ON "CapitalCall" ("amount", "isPaid");
CREATE INDEX call_paid ON "CapitalCall" ("isPaid");
VACUUM ANALYZE "CapitalCall";
SELECT rule, severity, index, suggested_sql FROM perf_optimizer.index_report('"CapitalCall"') WHERE rule <> 'unused-index' ORDER BY rule;
SELECT definition, round(misestimate_before) AS before, round(misestimate_after) AS after
  FROM perf_optimizer.suggest_statistics(queries => ARRAY['SELECT * FROM "CapitalCall" WHERE "city" = $1 AND "zip" = $2']);
SELECT definition, unique_index, estimated_rows, suggested_schedule
  FROM perf_optimizer.suggest_matviews(ARRAY['SELECT "fundId", sum("amount") FROM "CapitalCall" WHERE "isPaid" GROUP BY "fundId"',
                                             'SELECT sum("amount") FROM "CapitalCall" WHERE "isPaid" AND "fundId" = $1']);
SELECT perf_optimizer.apply_suggestion('DROP TABLE "CapitalCall"');
SET client_min_messages = warning;
DROP SCHEMA doc_tuning CASCADE;
