-- The examples of doc/plan.md.
CREATE SCHEMA doc_plan;
SET search_path = doc_plan;
CREATE TABLE "Lead" ("id" int PRIMARY KEY, "zipCode" text NOT NULL, "status" text NOT NULL, "details" text NOT NULL);
INSERT INTO "Lead" SELECT i, lpad((i % 5000)::text, 5, '0'), CASE WHEN i % 100 = 0 THEN 'NEW' ELSE 'CLOSED' END, repeat('x', 400)
  FROM generate_series(1, 20000) AS i;
CREATE TABLE "Assignment" ("id" int PRIMARY KEY, "leadId" int NOT NULL REFERENCES "Lead");
INSERT INTO "Assignment" SELECT i, i FROM generate_series(1, 20000) AS i;
VACUUM ANALYZE "Lead", "Assignment";
\x on
SELECT plan_source, actual_rows, used_indexes, recommendations[1]
  FROM perf_optimizer.analyze_query('SELECT "id" FROM "Lead" WHERE "zipCode" = $1', ARRAY['00042'], execute => true);
\x off
SELECT node_id, parent_id, node_type, relation, actual_rows, rows_removed, filter
  FROM perf_optimizer.plan_nodes('SELECT count(*) FROM "Lead" WHERE "zipCode" = ''00042''', execute => true);
\x on
SELECT rule, severity, relation, message, advice, suggested_sql
  FROM perf_optimizer.plan_findings('SELECT "id" FROM "Lead" WHERE "zipCode" = ''00042''', execute => true)
  WHERE relation = '"Lead"'::regclass;
\x off
SELECT plan_source, actual_rows FROM perf_optimizer.analyze_query('DELETE FROM "Assignment"', execute => true);
SELECT count(*) FROM "Assignment";
\x on
SELECT rule, severity, node_id, message, advice FROM perf_optimizer.analyze_plan('[{"Plan": {"Node Type": "Limit", "Startup Cost": 2847.39,
  "Total Cost": 2847.44, "Plan Rows": 20, "Plan Width": 64, "Plans": [{"Node Type": "Sort", "Parent Relationship": "Outer", "Startup Cost": 2847.39,
  "Total Cost": 2848.55, "Plan Rows": 62, "Plan Width": 64, "Sort Key": ["\"dueDate\" DESC"], "Plans": [{"Node Type": "Seq Scan",
  "Parent Relationship": "Outer", "Relation Name": "CapitalCall", "Alias": "CapitalCall", "Startup Cost": 0.00, "Total Cost": 2834.00,
  "Plan Rows": 62, "Plan Width": 64, "Filter": "(lower(status) = ''pending''::text)"}]}]}}]');
\x off
SELECT plan_source, used_indexes FROM perf_optimizer.analyze_query('SELECT * FROM "Lead" WHERE "id" = $1');
SELECT * FROM perf_optimizer.analyze_query('SELECT 1; SELECT 2');
SELECT * FROM perf_optimizer.analyze_query('VACUUM');
SELECT * FROM perf_optimizer.analyze_query('SELECT * FROM nowhere');
SELECT * FROM perf_optimizer.analyze_query('SELECT * FROM "Lead" WHERE "id" = $1', ARRAY['1', '2']);
SET client_min_messages = warning;
DROP SCHEMA doc_plan CASCADE;
