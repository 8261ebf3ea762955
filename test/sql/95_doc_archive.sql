-- The examples of doc/archive.md.
-- A role of its own: it sees its own jobs and policies only.
CREATE ROLE po_test_doc LOGIN;
CREATE SCHEMA doc_archive AUTHORIZATION po_test_doc;
SET SESSION AUTHORIZATION po_test_doc;
SET search_path = doc_archive;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
SET client_min_messages = warning;
CREATE TABLE "Event" ("id" int PRIMARY KEY, "type" text NOT NULL, "timestamp" timestamp(3) NOT NULL);
INSERT INTO "Event" SELECT i, CASE WHEN i % 10 = 0 THEN 'payment' ELSE 'view' END, now()::timestamp - interval '1 hour' - i * interval '1 day'
  FROM generate_series(1, 1000) AS i;
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '365 days', timezone => 'UTC');
SELECT eligible_rows, batches, blockers FROM perf_optimizer.preview_archive('Event');
CALL perf_optimizer.run_archive('Event');
SELECT (SELECT count(*) FROM "Event") AS kept, (SELECT count(*) FROM "Event_archive") AS archived;
SELECT policy, status, rows_archived, why_stopped FROM perf_optimizer.archive_runs WHERE policy = 'Event';
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '90 days', strategy => 'delete',
    predicate => '"type" = ''view''', name => 'old views', timezone => 'UTC', batch_rows => 100, schedule => '@daily');
SELECT eligible_rows, batches FROM perf_optimizer.preview_archive('old views');
SELECT policy, relation, time_column, older_than, strategy, destination, schedule FROM perf_optimizer.archive_policies ORDER BY policy;
SELECT name, kind, schedule FROM perf_optimizer.jobs;
CALL perf_optimizer.run_archive('old views', max_batches => 1);
SELECT status, rows_archived, why_stopped FROM perf_optimizer.archive_runs WHERE policy = 'old views';
CREATE TABLE "Attachment" ("id" int PRIMARY KEY, "eventId" int REFERENCES "Event");
INSERT INTO "Attachment" SELECT i, 1 FROM generate_series(1, 5000) AS i;
SELECT unnest(hints) AS hint FROM perf_optimizer.preview_archive('old views');
BEGIN;
CALL perf_optimizer.run_archive('old views');
ROLLBACK;
SELECT perf_optimizer.create_archive_policy('"Event"', 'type', '1 year', name => 'wrong');
SELECT perf_optimizer.create_archive_policy('"Event"', 'created', '1 year', name => 'wrong');
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '-1 day', name => 'wrong', timezone => 'UTC');
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '1 year', predicate => '"id" IN (SELECT 1)', name => 'wrong', timezone => 'UTC');
SELECT perf_optimizer.alter_archive_policy('old views', older_than => '120 days', run_window => 'mon-fri 22:00-06:00, sat-sun 00:00-24:00', reset => '{schedule}');
SELECT older_than, run_window, schedule FROM perf_optimizer.archive_policies WHERE policy = 'old views';
CALL perf_optimizer.restore_archive('Event', now() - interval '400 days', now() - interval '390 days');
SELECT action, status, rows_archived FROM perf_optimizer.archive_runs WHERE policy = 'Event' ORDER BY run_id;
SELECT * FROM perf_optimizer.verify_archive('Event');
SELECT perf_optimizer.drop_archive_policy('old views'), perf_optimizer.drop_archive_policy('Event');
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA doc_archive CASCADE;
DROP ROLE po_test_doc;
