-- What makes an archive run slow: foreign keys without an index, with the statement that cures it.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SET timezone = 'UTC';
SELECT plan(12);
CREATE SCHEMA "po Hi";
SET search_path = "po Hi", public;
CREATE TABLE "Event" (id int, "part" int, at timestamptz NOT NULL, PRIMARY KEY (id, "part"));
INSERT INTO "Event" SELECT g, 1, now() - g * interval '1 day' FROM generate_series(1, 100) g;
CREATE TABLE "Log" (n int, "Event id" int, "Part" int, FOREIGN KEY ("Event id", "Part") REFERENCES "Event");
INSERT INTO "Log" SELECT g, 1, 1 FROM generate_series(1, 5000) g;
SELECT perf_optimizer.create_archive_policy('"Event"', 'at', '30 days', 'delete') AS policy \gset
CREATE FUNCTION hints() RETURNS text LANGUAGE sql AS $$ SELECT array_to_string(hints, ' | ') FROM perf_optimizer.preview_archive('Event') $$;
SELECT is(hints(), 'a foreign key of "po Hi"."Log" has no index, so each deleted row reads that table from its beginning: CREATE INDEX CONCURRENTLY ON "po Hi"."Log" ("Event id", "Part")', 'the table and the cure');
SELECT is((SELECT blockers FROM perf_optimizer.preview_archive('Event')), '{}', 'it is no blocker');
-- A run says it too.
SELECT format('psql -Xqd %s -c "CALL perf_optimizer.run_archive(''Event'')" 2>&1', current_database()) AS run \gset
\setenv RUN :run
\set said `sh -c "$RUN"`
SELECT ok(:'said' LIKE '%NOTICE:  archive policy "Event" runs slowly: a foreign key of "po Hi"."Log" has no index%HINT:  CREATE INDEX CONCURRENTLY ON "po Hi"."Log" ("Event id", "Part")%', 'a run says it by a notice');
SELECT is((SELECT count(*) FROM "Event"), 29::bigint, 'and works');
-- The statement runs as printed and cures it.
SELECT substring(hints() FROM 'CREATE INDEX.*') AS cure \gset
:cure;
SELECT is(hints(), '', 'with the index there is nothing to say');
DROP INDEX "Log_Event id_Part_idx";
CREATE INDEX ON "Log" ("Part", "Event id", n);
SELECT is(hints(), '', 'any order of the columns will do');
DROP INDEX "Log_Part_Event id_n_idx";
CREATE INDEX ON "Log" ("Event id");
SELECT isnt(hints(), '', 'a part of them will not');
-- Small tables, partitions, copies.
TRUNCATE "Log";
SELECT is(hints(), '', 'a small table is searched as fast');
CREATE TABLE parts (id int, part int, FOREIGN KEY (id, part) REFERENCES "Event") PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
INSERT INTO parts SELECT 1, 1 FROM generate_series(1, 5000) g;
SELECT is(hints(), 'a foreign key of "po Hi".parts has no index, so each deleted row reads that table from its beginning: CREATE INDEX ON "po Hi".parts (id, part)', 'a partitioned table is said once');
SELECT perf_optimizer.create_archive_policy('"Event"', 'at', '30 days', 'copy', name => 'copied') AS policy \gset
SELECT is((SELECT hints FROM perf_optimizer.preview_archive('copied')), '{}', 'a copy deletes nothing');
CREATE INDEX ON parts (id, part);
SELECT is(hints(), '', 'its index is seen');
SELECT ok((SELECT hints IS NOT NULL FROM perf_optimizer.preview_archive('Event')), 'never NULL');
SELECT * FROM finish();
DROP SCHEMA "po Hi" CASCADE;
