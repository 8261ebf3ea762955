-- Old rows move to an archive in batches.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
CREATE TABLE "Event" (id int PRIMARY KEY, "timestamp" timestamp(3), type text);
CREATE INDEX ON "Event" ("timestamp");
INSERT INTO "Event" SELECT i, now() - i * interval '1 day', 'type ' || i % 3 FROM generate_series(1, 100) i;
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', interval '90 days 1 hour', batch_rows => 4);
SELECT eligible_rows, batches, partitions, blockers FROM perf_optimizer.preview_archive('Event');
CALL perf_optimizer.run_archive('Event', max_batches => 1);
SELECT count(*) FROM "Event_archive";
CALL perf_optimizer.run_archive('Event');
SELECT id, type FROM "Event_archive" ORDER BY id;
SELECT count(*), max(id) FROM "Event";
SELECT policy, status, rows_archived, batches, why_stopped, message FROM perf_optimizer.archive_runs ORDER BY run_id;
SELECT policy, relation, time_column, older_than, strategy, destination, batch_rows, timezone FROM perf_optimizer.archive_policies;

-- What a run would stumble over is seen before it.
ALTER TABLE "Event" ADD COLUMN source text;
SELECT eligible_rows, blockers FROM perf_optimizer.preview_archive('Event') \gx
CALL perf_optimizer.run_archive('Event');
SELECT status, why_stopped FROM perf_optimizer.archive_runs ORDER BY run_id DESC LIMIT 1;

-- A run commits, so it stands alone.
BEGIN;
CALL perf_optimizer.run_archive('Event');
ROLLBACK;

-- Wrong arguments.
SELECT perf_optimizer.create_archive_policy('"Event"', 'type', '1 day');
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '-1 day');
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '1 day', 'shred');
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '1 day', 'delete', predicate => 'id IN (SELECT 1)', name => 'x');
SET TimeZone = 'Europe/Berlin';
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '1 day', 'delete', name => 'x');
SELECT perf_optimizer.preview_archive('nothing');
SELECT perf_optimizer.drop_archive_policy('Event');
SELECT count(*) FROM perf_optimizer.archive_policies;
DROP TABLE "Event", "Event_archive";
