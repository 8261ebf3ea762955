-- The examples of doc/partitioning.md.
CREATE SCHEMA doc_partitioning;
SET search_path = doc_partitioning;
CREATE TABLE "Event" ("id" bigserial PRIMARY KEY, "tenantId" int NOT NULL, "at" timestamp(3) NOT NULL);
INSERT INTO "Event" ("tenantId", "at") SELECT i % 100, '2024-01-01'::timestamp + i * interval '1 hour' FROM generate_series(0, 1000) AS i;
CREATE INDEX event_at ON "Event" ("at");
ANALYZE "Event";
SELECT perf_optimizer.create_archive_policy('"Event"', 'at', '30 days', strategy => 'delete', timezone => 'UTC');
SELECT strategy, key_column, definition IS NOT NULL AS pays FROM perf_optimizer.suggest_partitioning('"Event"');
\pset tuples_only on
\pset format unaligned
SELECT definition FROM perf_optimizer.partitioning_advice('"Event"', min_bytes => 0);
\pset tuples_only off
\pset format aligned
CREATE VIEW events AS SELECT * FROM "Event";
SELECT reason FROM perf_optimizer.partitioning_advice('"Event"', min_bytes => 0);
SELECT * FROM perf_optimizer.suggest_partitioning('events');
SELECT perf_optimizer.drop_archive_policy('Event');
SET client_min_messages = warning;
DROP SCHEMA doc_partitioning CASCADE;
