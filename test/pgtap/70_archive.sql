-- Archive policies: strategies, limits, partitions, the traps of moving rows, rights, and every error.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(177);

SET client_min_messages = error;
SET TimeZone = 'UTC';
CREATE ROLE po_test_owner;
CREATE ROLE po_test_other;
CREATE SCHEMA po_ar;
GRANT ALL ON SCHEMA po_ar TO po_test_owner;

-- Makes table po_ar.<name> of n rows, one a day back from now, the first half of them NULL in "Note".
CREATE FUNCTION pg_temp.make(name text, n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE po_ar.%I (id int PRIMARY KEY, at timestamptz, "Note" text)', name);
  EXECUTE format('INSERT INTO po_ar.%I SELECT i, now() - i * interval ''1 day'', CASE WHEN i %% 2 = 0 THEN ''n'' || i END
                  FROM generate_series(1, %s) i', name, n);
END $$;

-- Move, by index and without one; batches; what is recorded.
SELECT pg_temp.make('moved', 100);
CREATE INDEX ON po_ar.moved (at);
INSERT INTO po_ar.moved VALUES (1000, NULL, 'no time');
COMMENT ON TABLE po_ar.moved IS 'the table''s';
COMMENT ON COLUMN po_ar.moved."Note" IS 'the column''s';
ALTER DEFAULT PRIVILEGES IN SCHEMA po_ar GRANT SELECT ON TABLES TO pg_monitor;
CREATE TEMP TABLE before AS SELECT * FROM po_ar.moved;
SELECT is(perf_optimizer.create_archive_policy('po_ar.moved', 'at', '30 days 1 hour', batch_rows => 20), 'moved',
  'a policy is named after its table');
SELECT columns_are('po_ar', 'moved_archive', ARRAY['id', 'at', 'Note'], 'the made destination has the columns');
SELECT col_is_pk('po_ar', 'moved_archive', 'id', 'and the primary key');
SELECT is(obj_description('po_ar.moved_archive'::regclass, 'pg_class'), 'the table''s', 'the comment');
SELECT is(col_description('po_ar.moved_archive'::regclass, attnum), 'the column''s', 'those of columns')
  FROM pg_attribute WHERE attrelid = 'po_ar.moved_archive'::regclass AND attname = 'Note';
SELECT is(has_table_privilege('pg_monitor', 'po_ar.moved_archive', 'SELECT'), true, 'and default privileges');
ALTER DEFAULT PRIVILEGES IN SCHEMA po_ar REVOKE SELECT ON TABLES FROM pg_monitor;
SELECT results_eq($$ SELECT eligible_rows, batches, partitions, blockers, oldest, newest FROM perf_optimizer.preview_archive('moved') $$,
  $$ SELECT 70::bigint, 4::bigint, '{}'::text[], '{}'::text[], min(at), max(at) FROM before WHERE at < now() - interval '30 days 1 hour' $$,
  'the preview counts what is old');
CALL perf_optimizer.run_archive('moved', 2);
SELECT is(count(*), 40::bigint, 'max_batches limits a run') FROM po_ar.moved_archive;
SELECT is(max(at), (SELECT at FROM before WHERE id = 61), 'the oldest rows go first') FROM po_ar.moved_archive;
SELECT results_eq($$ SELECT status, rows_archived, batches, why_stopped FROM perf_optimizer.archive_runs WHERE policy = 'moved' $$,
  $$ VALUES ('succeeded', 40::bigint, 2::bigint, 'max_batches') $$, 'which is recorded');
CALL perf_optimizer.run_archive('moved');
SELECT is(count(*), 70::bigint, 'the next run takes the rest') FROM po_ar.moved_archive;
SELECT results_eq($$ SELECT * FROM po_ar.moved UNION ALL SELECT * FROM po_ar.moved_archive ORDER BY id $$,
  $$ SELECT * FROM before ORDER BY id $$, 'each row is there once, unchanged');
SELECT is(count(*), 1::bigint, 'a NULL time never matches') FROM po_ar.moved WHERE at IS NULL;
CALL perf_optimizer.run_archive('moved');
SELECT results_eq($$ SELECT status, rows_archived, batches, why_stopped, message, cutoff < now() FROM perf_optimizer.archive_runs ORDER BY run_id DESC LIMIT 1 $$,
  $$ VALUES ('succeeded', 0::bigint, 0::bigint, 'nothing left', NULL, true) $$, 'a run with nothing to do');
SELECT results_eq($$ SELECT policy, owner::text, relation, strategy, destination, timezone, fk_policy FROM perf_optimizer.archive_policies $$,
  $$ VALUES ('moved', 'postgres', 'po_ar.moved'::regclass, 'move', 'po_ar.moved_archive'::regclass, 'UTC', 'refuse') $$, 'the policy is shown');

SELECT pg_temp.make('walked', 2000);
SELECT is(perf_optimizer.create_archive_policy('po_ar.walked', 'at', '1000 days 1 hour', batch_rows => 300), 'walked', 'without an index');
CALL perf_optimizer.run_archive('walked');
SELECT is(count(*), 1000::bigint, 'the same rows go') FROM po_ar.walked_archive;
SELECT is(min(at) > now() - interval '1000 days 2 hours', true, 'and the same stay') FROM po_ar.walked;
SELECT ok(batches >= 4, 'in batches of at most the policy''s size') FROM perf_optimizer.archive_runs WHERE policy = 'walked';

-- Equal times beyond a batch: the location is part of the watermark.
CREATE TABLE po_ar.ties (id int, at date);
INSERT INTO po_ar.ties SELECT i, '2020-01-01' FROM generate_series(1, 1000) i;
CREATE INDEX ON po_ar.ties (at);
SELECT is(perf_optimizer.create_archive_policy('po_ar.ties', 'at', '1 day', 'delete', batch_rows => 70), 'ties', 'a date column, no key');
CALL perf_optimizer.run_archive('ties');
SELECT is(count(*), 0::bigint, 'rows of one time go in several batches') FROM po_ar.ties;
SELECT results_eq($$ SELECT rows_archived, batches FROM perf_optimizer.archive_runs WHERE policy = 'ties' $$,
  $$ VALUES (1000::bigint, 15::bigint) $$, 'of the policy''s size');

-- Copy, repeatable.
SELECT pg_temp.make('copied', 50);
SELECT is(perf_optimizer.create_archive_policy('po_ar.copied', 'at', '10 days 1 hour', 'copy', name => 'copy it'), 'copy it', 'a copy');
CALL perf_optimizer.run_archive('copy it');
CALL perf_optimizer.run_archive('copy it');
SELECT is(array_agg(rows_archived ORDER BY run_id), ARRAY[40, 0]::bigint[], 'what is there is skipped')
  FROM perf_optimizer.archive_runs WHERE policy = 'copy it';
SELECT results_eq('SELECT * FROM po_ar.copied_archive ORDER BY id', 'SELECT * FROM po_ar.copied WHERE id > 10 ORDER BY id', 'the copies are exact');

-- Predicate.
SELECT pg_temp.make('some', 50);
CREATE FUNCTION po_ar.is_even(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 0';
SET search_path = po_ar, public;
SELECT is(perf_optimizer.create_archive_policy('some', 'at', '10 days 1 hour', 'delete', predicate => '"Note" IS NOT NULL AND is_even(id) -- evens'),
  'some', 'a predicate with a comment and an unqualified function');
RESET search_path;
SELECT is(predicate, '(("Note" IS NOT NULL) AND po_ar.is_even(id))', 'is stored as the server prints it')
  FROM perf_optimizer.archive_policies WHERE policy = 'some';
CALL perf_optimizer.run_archive('some');
SELECT results_eq('SELECT id FROM po_ar.some ORDER BY id', 'SELECT i FROM generate_series(1, 50) i WHERE i <= 10 OR i % 2 = 1', 'only matching rows go');
SELECT throws_ok(format('SELECT perf_optimizer.create_archive_policy(%L, %L, %L, %L, predicate => %L, name => %L)',
                        'po_ar.some', 'at', '1 day', 'delete', p, 'bad'), state, NULL, what)
  FROM (VALUES ('id > (SELECT 1)', '42601', 'a subquery'), ('random() < 0.5', '42601', 'a volatile function'),
               ('true) OR (true', '42601', 'unbalanced parentheses'), ('true; DROP TABLE po_ar.some', '42601', 'a second statement'),
               ('true FROM po_ar.some', '42601', 'more than an expression'), ('id', '42804', 'no boolean'), ('nope = 1', '42703', 'an unknown column'),
               ('true AS x', '42601', 'an alias'), ('count(*) > 1', '42803', 'an aggregate'), ('', '42601', 'nothing')) v (p, state, what);

-- Time zones.
CREATE TABLE po_ar.local (id int, at timestamp, on_day date);
SET TimeZone = 'America/New_York';
SELECT throws_ok($$ SELECT perf_optimizer.create_archive_policy('po_ar.local', 'at', '1 day') $$, '22023', NULL, 'a column without zone needs the zone');
SELECT throws_ok($$ SELECT perf_optimizer.create_archive_policy('po_ar.local', 'on_day', '1 day') $$, '22023', NULL, 'a date too');
INSERT INTO po_ar.local SELECT 1, (now() AT TIME ZONE 'UTC') - interval '24 hours 5 minutes', (now() AT TIME ZONE 'UTC') - interval '24 hours';
INSERT INTO po_ar.local SELECT 2, (now() AT TIME ZONE 'UTC') - interval '23 hours 55 minutes', (now() AT TIME ZONE 'UTC');
SELECT is(perf_optimizer.create_archive_policy('po_ar.local', 'at', '1 day', 'delete', timezone => 'UTC'), 'local', 'with the zone it is made');
SELECT results_eq($$ SELECT eligible_rows, newest = (SELECT at AT TIME ZONE 'UTC' FROM po_ar.local WHERE id = 1)
                     FROM perf_optimizer.preview_archive('local') $$, $$ VALUES (1::bigint, true) $$, 'the session''s zone does not shift the cutoff');
CALL perf_optimizer.run_archive('local');
SELECT is(array_agg(id), ARRAY[2], 'nor in a run') FROM po_ar.local;
SET TimeZone = 'UTC';

-- Content: mixed case, dropped and reordered columns, identity, generated, domains, toast.
CREATE DOMAIN po_ar.positive AS int CHECK (VALUE > 0);
CREATE TABLE po_ar."Odd Names" (gone int, "A b" text, "c""d" text, at timestamptz, d po_ar.positive, big text,
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sum numeric GENERATED ALWAYS AS (d * 2) STORED);
INSERT INTO po_ar."Odd Names" ("A b", "c""d", at, d, big)
  SELECT 'a' || i, 'c' || i, now() - i * interval '1 day', i, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 300) j)
  FROM generate_series(1, 20) i;
ALTER TABLE po_ar."Odd Names" DROP COLUMN gone, DROP COLUMN "A b";
ALTER TABLE po_ar."Odd Names" ADD COLUMN "A b" text;
UPDATE po_ar."Odd Names" SET "A b" = 'a' || id;
CREATE TABLE po_ar.target (id bigint GENERATED ALWAYS AS IDENTITY, extra int DEFAULT 7, "A b" text, sum numeric, big text, at timestamptz, "c""d" text, d po_ar.positive);
SELECT is(perf_optimizer.create_archive_policy('po_ar."Odd Names"', 'at', '5 days 1 hour', destination => 'po_ar.target', name => 'odd'),
  'odd', 'names to quote, columns in another order');
CREATE TEMP TABLE odd_before AS SELECT id, "A b", "c""d", at, d, big, sum FROM po_ar."Odd Names";
CALL perf_optimizer.run_archive('odd');
SELECT results_eq('SELECT id, "A b", "c""d", at, d, big, sum FROM po_ar.target ORDER BY id', 'SELECT * FROM odd_before WHERE id > 5 ORDER BY id',
  'every value arrives in its column');
SELECT is(perf_optimizer.create_archive_policy('po_ar."Odd Names"', 'at', '2 days 1 hour', name => 'odd2'), 'odd2', 'a destination is made for it');
CALL perf_optimizer.run_archive('odd2');
SELECT results_eq('SELECT id, "A b", "c""d", at, d, big, sum FROM po_ar."Odd Names_archive" ORDER BY id',
  'SELECT * FROM odd_before WHERE id BETWEEN 3 AND 5 ORDER BY id', 'generated and identity values are kept');

CREATE TABLE po_ar.serials (id serial PRIMARY KEY, at timestamptz);
SELECT is(perf_optimizer.create_archive_policy('po_ar.serials', 'at', '1 day'), 'serials', 'a serial');
SELECT col_hasnt_default('po_ar', 'serials_archive', 'id', 'the archive does not share the sequence');

-- Triggers that would lose or keep rows.
SELECT pg_temp.make('eaten', 20);
SELECT is(perf_optimizer.create_archive_policy('po_ar.eaten', 'at', '5 days'), 'eaten', 'a destination with a trigger');
CREATE FUNCTION po_ar.eat() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER eat BEFORE INSERT ON po_ar.eaten_archive FOR EACH ROW EXECUTE FUNCTION po_ar.eat();
\set ON_ERROR_STOP off
CALL perf_optimizer.run_archive('eaten');
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '27000', 'rows that do not arrive undo their batch');
\set ON_ERROR_STOP on
SELECT is(count(*), 20::bigint, 'no row is lost') FROM po_ar.eaten;
SELECT results_eq($$ SELECT status, rows_archived, why_stopped, message ~ 'arrived' FROM perf_optimizer.archive_runs WHERE policy = 'eaten' $$,
  $$ VALUES ('failed', 0::bigint, 'error', true) $$, 'the failure is recorded');
DROP TRIGGER eat ON po_ar.eaten_archive;
CREATE TRIGGER keep BEFORE DELETE ON po_ar.eaten FOR EACH ROW WHEN (OLD.id = 15) EXECUTE FUNCTION po_ar.eat();
CALL perf_optimizer.run_archive('eaten');
SELECT results_eq($$ SELECT count(*), bool_or(id = 15) FROM po_ar.eaten WHERE at < now() - interval '5 days' $$,
  $$ VALUES (1::bigint, true) $$, 'a row that a trigger keeps stays, and the run ends');
SELECT matches(message, 'could not be taken', 'and says so') FROM perf_optimizer.archive_runs WHERE policy = 'eaten' ORDER BY run_id DESC LIMIT 1;

-- Failures in the middle keep what was committed.
SELECT pg_temp.make('broken', 30);
CREATE INDEX ON po_ar.broken (at);
SELECT is(perf_optimizer.create_archive_policy('po_ar.broken', 'at', '5 days 1 hour', batch_rows => 10), 'broken', 'a check on the destination');
ALTER TABLE po_ar.broken_archive ADD CHECK (id <> 12);
\set ON_ERROR_STOP off
CALL perf_optimizer.run_archive('broken');
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '23514', 'the error of the destination is raised');
\set ON_ERROR_STOP on
SELECT results_eq('SELECT count(*) FROM po_ar.broken_archive', 'VALUES (10::bigint)', 'the batches before it stay');
SELECT is(count(*), 30::bigint, 'each row is in one table') FROM (SELECT id FROM po_ar.broken UNION SELECT id FROM po_ar.broken_archive) u;
SELECT results_eq($$ SELECT status, rows_archived, batches, why_stopped FROM perf_optimizer.archive_runs WHERE policy = 'broken' $$,
  $$ VALUES ('failed', 10::bigint, 1::bigint, 'error') $$, 'and are counted');
ALTER TABLE po_ar.broken_archive DROP CONSTRAINT broken_archive_id_check;
CALL perf_optimizer.run_archive('broken');
SELECT is(count(*), 25::bigint, 'a new run goes on') FROM po_ar.broken_archive;

-- A deferred constraint fails at the commit of a batch.
CREATE TABLE po_ar.parents (id int PRIMARY KEY);
SELECT pg_temp.make('deferred', 10);
SELECT is(perf_optimizer.create_archive_policy('po_ar.deferred', 'at', '5 days'), 'deferred', 'a deferred constraint');
ALTER TABLE po_ar.deferred_archive ADD FOREIGN KEY (id) REFERENCES po_ar.parents DEFERRABLE INITIALLY DEFERRED;
\set ON_ERROR_STOP off
CALL perf_optimizer.run_archive('deferred');
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '23503', 'its error is raised');
\set ON_ERROR_STOP on
SELECT is(count(*), 10::bigint, 'the batch is undone') FROM po_ar.deferred;
SELECT is(status, 'failed', 'and recorded') FROM perf_optimizer.archive_runs WHERE policy = 'deferred';

-- Foreign keys.
CREATE TABLE po_ar.orders (id int PRIMARY KEY, at timestamptz);
CREATE TABLE po_ar.items (id int PRIMARY KEY, order_id int REFERENCES po_ar.orders ON DELETE CASCADE);
INSERT INTO po_ar.orders VALUES (1, '2020-01-01'), (2, '2020-01-01');
INSERT INTO po_ar.items VALUES (1, 1);
SELECT throws_ok($$ SELECT perf_optimizer.create_archive_policy('po_ar.orders', 'at', '1 day', 'delete') $$, '55000', NULL, 'a cascading key refuses');
SELECT is(perf_optimizer.create_archive_policy('po_ar.orders', 'at', '1 day', 'delete', fk_policy => 'cascade'), 'orders', 'unless the policy says so');
CALL perf_optimizer.run_archive('orders');
SELECT is_empty('SELECT FROM po_ar.items', 'then it cascades');
ALTER TABLE po_ar.items DROP CONSTRAINT items_order_id_fkey;
ALTER TABLE po_ar.items ADD FOREIGN KEY (order_id) REFERENCES po_ar.orders;
INSERT INTO po_ar.orders VALUES (1, '2020-01-01'), (2, '2020-01-01');
SELECT is(blockers, '{}', 'a plain key that no row uses does not matter') FROM perf_optimizer.preview_archive('orders');
INSERT INTO po_ar.items VALUES (1, 1);
SELECT matches(blockers[1], 'refers to rows', 'one that refers to old rows blocks') FROM perf_optimizer.preview_archive('orders');
\set ON_ERROR_STOP off
CALL perf_optimizer.run_archive('orders');
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '55000', 'and a run fails before its work');
\set ON_ERROR_STOP on
SELECT results_eq($$ SELECT status, why_stopped FROM perf_optimizer.archive_runs WHERE policy = 'orders' ORDER BY run_id DESC LIMIT 1 $$,
  $$ VALUES ('failed', 'blocked') $$, 'recorded as blocked');

-- Limits.
SELECT pg_temp.make('share', 100);
SELECT is(perf_optimizer.create_archive_policy('po_ar.share', 'at', '50 days 1 hour', 'delete', max_share_pct => 20), 'share', 'a guard');
ANALYZE po_ar.share;
SELECT matches(blockers[1], 'max_share_pct', 'a first run beyond the share is blocked') FROM perf_optimizer.preview_archive('share');
SELECT is(perf_optimizer.create_archive_policy('po_ar.share', 'at', '50 days 1 hour', 'delete', name => 'share60', max_share_pct => 60), 'share60', 'a wider guard');
SELECT is(blockers, '{}', 'lets it pass') FROM perf_optimizer.preview_archive('share60');
SELECT is(perf_optimizer.create_archive_policy('po_ar.share', 'at', '90 days 1 hour', 'delete', name => 'slow', batch_rows => 2, max_rows_per_second => 20),
  'slow', 'a rate');
CALL perf_optimizer.run_archive('slow');
SELECT ok(finished_at - started_at >= interval '350 ms', 'is kept between the batches') FROM perf_optimizer.archive_runs WHERE policy = 'slow';
SELECT is(perf_optimizer.create_archive_policy('po_ar.share', 'at', '50 days 1 hour', 'delete', name => 'wal', batch_rows => 10, max_wal_bytes_per_second => 20000),
  'wal', 'a WAL rate');
CALL perf_optimizer.run_archive('wal');
SELECT ok(finished_at - started_at >= interval '50 ms' AND rows_archived = 40, 'is kept too') FROM perf_optimizer.archive_runs WHERE policy = 'wal';
SELECT is(perf_optimizer.create_archive_policy('po_ar.share', 'at', '1 day 1 hour', 'delete', name => 'short', batch_rows => 1, max_rows_per_second => 10,
  max_runtime => '0.2 seconds', max_replica_lag => '1 hour'), 'short', 'a runtime');
CALL perf_optimizer.run_archive('short');
SELECT results_eq($$ SELECT status, why_stopped, rows_archived BETWEEN 1 AND 10 FROM perf_optimizer.archive_runs WHERE policy = 'short' $$,
  $$ VALUES ('succeeded', 'max_runtime', true) $$, 'ends the run');
SELECT pg_temp.make('canceled', 10);
SELECT is(perf_optimizer.create_archive_policy('po_ar.canceled', 'at', '1 day 1 hour', 'delete', batch_rows => 1, max_rows_per_second => 1), 'canceled', 'a slow run');
\set ON_ERROR_STOP off
SET statement_timeout = '300ms';
CALL perf_optimizer.run_archive('canceled');
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '57014', 'is cancelled while it waits');
RESET statement_timeout;
\set ON_ERROR_STOP on
SELECT results_eq($$ SELECT status, why_stopped, rows_archived FROM perf_optimizer.archive_runs WHERE policy = 'canceled' $$,
  $$ VALUES ('failed', 'cancelled', 1::bigint) $$, 'and recorded with what it did');
SELECT is(count(*), 0::bigint, 'its lock is gone') FROM pg_locks WHERE locktype = 'advisory';

-- Partitions.
CREATE TABLE po_ar.parted (id int, at timestamptz NOT NULL, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE po_ar.p2020 PARTITION OF po_ar.parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE po_ar.p2021 PARTITION OF po_ar.parted FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE po_ar.pnow PARTITION OF po_ar.parted FOR VALUES FROM ('2022-01-01') TO ('2200-01-01');
INSERT INTO po_ar.parted SELECT i, '2020-01-01'::timestamptz + i * interval '1 day', 'v' || i FROM generate_series(0, 1000) i;
INSERT INTO po_ar.parted VALUES (5000, now(), 'new');
CREATE TEMP TABLE parted_before AS SELECT * FROM po_ar.parted;
SELECT is(perf_optimizer.create_archive_policy('po_ar.parted', 'at', '1 year', batch_rows => 100), 'parted', 'a partitioned table');
SELECT is(partitions, '{po_ar.p2020,po_ar.p2021}'::text[], 'whole leaves are announced') FROM perf_optimizer.preview_archive('parted');
CALL perf_optimizer.run_archive('parted');
SELECT is(array_agg(inhparent::regclass::text ORDER BY inhrelid::regclass::text), '{po_ar.parted_archive,po_ar.parted_archive}'::text[], 'they change their parent')
  FROM pg_inherits WHERE inhrelid IN ('po_ar.p2020'::regclass, 'po_ar.p2021'::regclass);
SELECT is_empty($$ SELECT conname FROM pg_constraint WHERE conname ~ 'perf_optimizer' $$, 'and keep no helper constraint');
SELECT is(array_agg(id), '{5000}', 'the rows of the boundary leaf go one by one') FROM po_ar.parted;
SELECT results_eq('SELECT * FROM po_ar.parted UNION ALL SELECT * FROM po_ar.parted_archive ORDER BY id', 'SELECT * FROM parted_before ORDER BY id',
  'each row is there once');
SELECT is(rows_archived, 1001::bigint, 'all are counted') FROM perf_optimizer.archive_runs WHERE policy = 'parted';
INSERT INTO po_ar.parted VALUES (6000, '2022-02-02', 'late');
CALL perf_optimizer.run_archive('parted');
SELECT is(count(*), 1002::bigint, 'a later run finds its partition there') FROM po_ar.parted_archive;
CREATE TABLE po_ar.flat (id int, at timestamptz NOT NULL, v text);
INSERT INTO po_ar.parted VALUES (7000, '2022-02-02', 'x'), (7001, '2022-03-02', 'y');
SELECT is(perf_optimizer.create_archive_policy('po_ar.parted', 'at', '1 year', name => 'flat', destination => 'po_ar.flat', predicate => $$v = 'x'$$),
  'flat', 'into an ordinary table');
CALL perf_optimizer.run_archive('flat');
SELECT is(array_agg(id), '{7000}', 'rows go by predicate') FROM po_ar.flat;

CREATE TABLE po_ar.deep (id int, at date NOT NULL, region text, doubled int GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (at);
CREATE TABLE po_ar.deep20 PARTITION OF po_ar.deep FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (region);
CREATE TABLE po_ar.deep20e PARTITION OF po_ar.deep20 FOR VALUES IN ('e');
CREATE TABLE po_ar.deep20rest PARTITION OF po_ar.deep20 DEFAULT;
CREATE TABLE po_ar.deep21 PARTITION OF po_ar.deep FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE po_ar.deeprest PARTITION OF po_ar.deep DEFAULT;
INSERT INTO po_ar.deep (id, at, region) SELECT i, '2020-01-01'::date + i * 3, substr('ewn', i % 3 + 1, 1) FROM generate_series(0, 300) i;
SELECT is(perf_optimizer.create_archive_policy('po_ar.deep', 'at', '1 year'), 'deep', 'partitions of partitions, a default one, a generated column');
SELECT is(partitions, '{}', 'none of which can go as a whole') FROM perf_optimizer.preview_archive('deep');
CALL perf_optimizer.run_archive('deep');
SELECT is_empty('SELECT * FROM po_ar.deep', 'the rows go one by one');
SELECT results_eq('SELECT count(*), sum(doubled) FROM po_ar.deep_archive', 'SELECT 301::bigint, sum(i * 2) FROM generate_series(0, 300) i', 'and arrive');

-- What cannot be archived.
CREATE TABLE po_ar.parent (id int, at timestamptz);
CREATE TABLE po_ar.child () INHERITS (po_ar.parent);
CREATE VIEW po_ar.a_view AS SELECT now() AS at;
CREATE TABLE po_ar.narrow (id smallint, at timestamptz, "Note" varchar(3));
CREATE TABLE po_ar.lacking (id int, at timestamptz);
CREATE TABLE po_ar.needing (id int, at timestamptz, "Note" text, must int NOT NULL);
CREATE TABLE po_ar.ruled (id int, at timestamptz, "Note" text);
CREATE RULE divert AS ON INSERT TO po_ar.ruled DO INSTEAD NOTHING;
CREATE TABLE po_ar.keyless (id int, at timestamptz, "Note" text);
CREATE TABLE po_ar.published (id int, at timestamptz);
CREATE PUBLICATION po_ar_publication FOR TABLE po_ar.published;
SELECT throws_ok(format('SELECT perf_optimizer.create_archive_policy(%s)', args), state, NULL, what)
  FROM (VALUES
    ($$'po_ar.parent', 'at', '1 day', 'delete'$$, '55000', 'inheritance children'),
    ($$'po_ar.a_view', 'at', '1 day'$$, '42809', 'a view'),
    ($$'pg_class', 'relname', '1 day'$$, '42804', 'a column that is no time'),
    ($$'perf_optimizer.archive_run', 'started_at', '1 day', 'delete'$$, '55000', 'our own table'),
    ($$'po_ar.some', 'nope', '1 day'$$, '42703', 'no such column'),
    ($$'po_ar.some', 'at', '-1 day'$$, '22023', 'a negative age'),
    ($$'po_ar.some', 'at', '0'$$, '22023', 'no age'),
    ($$'po_ar.some', 'at', '1 day', 'burn'$$, '22023', 'an unknown strategy'),
    ($$'po_ar.some', 'at', '1 day', 'delete', 'po_ar.flat'$$, '22023', 'delete to a destination'),
    ($$'po_ar.some', 'at', '1 day', 'move', 'po_ar.some'$$, '22023', 'the table itself'),
    ($$'po_ar.some', 'at', '1 day', 'move', 'po_ar.a_view'$$, '55000', 'a view as destination'),
    ($$'po_ar.parted', 'at', '1 day', 'move', 'po_ar.pnow'$$, '55000', 'a partition as destination'),
    ($$'po_ar.some', 'at', '1 day', 'move', 'po_ar.narrow'$$, '55000', 'a narrower destination'),
    ($$'po_ar.some', 'at', '1 day', 'move', 'po_ar.lacking'$$, '55000', 'a missing column'),
    ($$'po_ar.some', 'at', '1 day', 'move', 'po_ar.needing'$$, '55000', 'a column that has no value'),
    ($$'po_ar.some', 'at', '1 day', 'move', 'po_ar.ruled'$$, '55000', 'a rule'),
    ($$'po_ar.some', 'at', '1 day', 'copy', 'po_ar.keyless'$$, '55000', 'a copy without a key'),
    ($$'po_ar.published', 'at', '1 day', 'delete'$$, '55000', 'a publication without replica identity'),
    ($$'po_ar.moved', 'at', '1 day'$$, '42P07', 'the archive''s name is taken'),
    ($$'po_ar.some', 'at', '1 day', 'delete', name => 'moved'$$, '42710', 'the policy exists'),
    ($$'po_ar.some', 'at', '1 day', 'delete', name => ''$$, '22023', 'an empty name'),
    ($$'po_ar.some', 'at', '1 day', 'delete', batch_rows => 0$$, '22023', 'no rows a batch'),
    ($$'po_ar.some', 'at', '1 day', 'delete', batch_rows => 100000$$, '22023', 'too many rows a batch'),
    ($$'po_ar.some', 'at', '1 day', 'delete', max_rows_per_second => 0$$, '22023', 'no rows a second'),
    ($$'po_ar.some', 'at', '1 day', 'delete', max_wal_bytes_per_second => -1$$, '22023', 'a negative WAL rate'),
    ($$'po_ar.some', 'at', '1 day', 'delete', max_share_pct => 101$$, '22023', 'more than the whole'),
    ($$'po_ar.some', 'at', '1 day', 'delete', max_share_pct => 'NaN'$$, '22023', 'not a share'),
    ($$'po_ar.some', 'at', '1 day', 'delete', max_runtime => '0'$$, '22023', 'no runtime'),
    ($$'po_ar.some', 'at', '1 day', 'delete', max_replica_lag => '-1 s'$$, '22023', 'a negative lag'),
    ($$'po_ar.some', 'at', '1 day', 'delete', timezone => 'Mars/Base'$$, '22023', 'an unknown zone'),
    ($$'po_ar.some', 'at', '1 day', 'delete', fk_policy => 'ignore'$$, '22023', 'an unknown fk_policy'),
    ($$NULL, 'at', '1 day'$$, '22004', 'a NULL relation'), ($$'po_ar.some', NULL, '1 day'$$, '22004', 'a NULL column'),
    ($$'po_ar.some', 'at', NULL$$, '22004', 'a NULL age'), ($$'po_ar.some', 'at', '1 day', NULL$$, '22004', 'a NULL strategy'),
    ($$'po_ar.some', 'at', '1 day', 'delete', batch_rows => NULL$$, '22004', 'a NULL batch size'),
    ($$0::regclass, 'at', '1 day'$$, '42P01', 'no relation')) v (args, state, what);
SELECT is(perf_optimizer.create_archive_policy('po_ar.some', 'at', '1 mon -29 days', 'delete', name => 'mixed'), 'mixed', 'an age of mixed signs');
SELECT set_config('perf_optimizer.test_clock_offset', extract(epoch FROM '2027-03-15 12:00'::timestamptz - now())::int::text, false) IS NULL AS x \gset
SELECT throws_ok($$ SELECT perf_optimizer.preview_archive('mixed') $$, '22023', NULL, 'which after February would not lie in the past');
SET perf_optimizer.test_clock_offset = 0;
SELECT throws_ok($$ SELECT perf_optimizer.preview_archive('nowhere') $$, '42704', NULL, 'preview of an unknown policy');
SELECT throws_ok($$ SELECT perf_optimizer.preview_archive(NULL) $$, '22004', NULL, 'preview of NULL');
SELECT throws_ok($$ SELECT perf_optimizer.drop_archive_policy('nowhere') $$, '42704', NULL, 'dropping an unknown policy');
SELECT throws_ok($$ SELECT perf_optimizer.drop_archive_policy(NULL) $$, '22004', NULL, 'dropping NULL');
SELECT throws_ok($$ CALL perf_optimizer.run_archive('moved') $$, '2D000', NULL, 'a run inside a function');
\set ON_ERROR_STOP off
BEGIN;
CALL perf_optimizer.run_archive('moved');
\set code :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT is(:'code'::text, '2D000', 'a run inside a transaction block');
CALL perf_optimizer.run_archive('nowhere');
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '42704', 'a run of an unknown policy');
CALL perf_optimizer.run_archive(NULL);
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '22004', 'a run of NULL');
CALL perf_optimizer.run_archive('moved', 0);
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '22023', 'a run of no batches');
SET search_path = po_ar, pg_catalog;
CALL perf_optimizer.run_archive('some');
\set code :LAST_ERROR_SQLSTATE
RESET search_path;
SELECT is(:'code'::text, '55000', 'a search_path that hides pg_catalog');
\set ON_ERROR_STOP on

-- Rights.
SELECT pg_temp.make('owned', 20);
ALTER TABLE po_ar.owned OWNER TO po_test_owner;
SET ROLE po_test_other;
SELECT throws_ok($$ SELECT perf_optimizer.create_archive_policy(oid, 'at', '1 day') FROM pg_class WHERE relname = 'owned' $$, '42501', NULL,
  'only the owner makes a policy');
SET ROLE po_test_owner;
SELECT is(perf_optimizer.create_archive_policy('po_ar.owned', 'at', '5 days 1 hour', batch_rows => 5), 'owned', 'the owner does');
CALL perf_optimizer.run_archive('owned', 1);
SELECT is(count(*), 5::bigint, 'and runs it') FROM po_ar.owned_archive;
SELECT is(count(*), 1::bigint, 'and sees his policies alone') FROM perf_optimizer.archive_policies;
SELECT throws_ok($$ SELECT perf_optimizer.drop_archive_policy('moved') $$, '42501', NULL, 'another''s policy is not his');
SELECT throws_ok($$ SELECT perf_optimizer.preview_archive('moved') $$, '42501', NULL, 'to look at');
SELECT throws_ok($$ DELETE FROM perf_optimizer.archive_policy $$, '42501', NULL, 'the tables are not writable');
SELECT throws_ok($$ INSERT INTO perf_optimizer.archive_run (policy_id) VALUES (1) $$, '42501', NULL, 'neither of them');
SET ROLE po_test_other;
SELECT is_empty('SELECT * FROM perf_optimizer.archive_policies', 'others see nothing');
SELECT is_empty('SELECT * FROM perf_optimizer.archive_runs', 'no runs either');
RESET ROLE;
CALL perf_optimizer.run_archive('owned', 1);
SELECT is(count(*), 10::bigint, 'a superuser runs it as the owner') FROM po_ar.owned_archive;
SELECT is(tableowner, 'po_test_owner', 'whose the archive is') FROM pg_tables WHERE tablename = 'owned_archive';
CREATE TRIGGER t AFTER INSERT ON po_ar.owned_archive FOR EACH ROW EXECUTE FUNCTION po_ar.eat();
SELECT matches(blockers[1], 'SET ROLE po_test_owner', 'not with triggers') FROM perf_optimizer.preview_archive('owned');
\set ON_ERROR_STOP off
CALL perf_optimizer.run_archive('owned', 1);
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '55000', 'which a run refuses');
\set ON_ERROR_STOP on
SET ROLE po_test_owner;
CALL perf_optimizer.run_archive('owned', 1);
SELECT is(count(*), 15::bigint, 'the owner''s own run has no such danger') FROM po_ar.owned_archive;
ALTER TABLE po_ar.owned ENABLE ROW LEVEL SECURITY;
ALTER TABLE po_ar.owned FORCE ROW LEVEL SECURITY;
SELECT matches(blockers[1], 'row security', 'row security is an error, not a filter') FROM perf_optimizer.preview_archive('owned');
ALTER TABLE po_ar.owned NO FORCE ROW LEVEL SECURITY;
RESET ROLE;
ALTER TABLE po_ar.owned_archive OWNER TO postgres;
REVOKE ALL ON po_ar.owned_archive FROM po_test_owner;
DROP TRIGGER t ON po_ar.owned_archive;
SELECT matches(blockers[1], 'lacks rights', 'rights on the destination are checked') FROM perf_optimizer.preview_archive('owned');
ALTER TABLE po_ar.owned OWNER TO po_test_other;
SELECT matches(blockers[1], 'does not own', 'and who owns the table now') FROM perf_optimizer.preview_archive('owned');

-- Schedules.
SELECT is(perf_optimizer.create_archive_policy('po_ar.some', 'at', '1 day', 'delete', name => 'planned', schedule => 'every 2 hours'), 'planned', 'a schedule');
SELECT perf_optimizer.schedule_archive('planned', '@daily', name => 'at night') IS NULL AS x \gset
SELECT results_eq($$ SELECT name, schedule FROM perf_optimizer.jobs WHERE kind = 'archive' ORDER BY name $$,
  $$ VALUES ('archive planned', 'every 2 hours'), ('at night', '@daily') $$, 'makes a job');
SELECT throws_ok($$ SELECT perf_optimizer.create_archive_policy('po_ar.some', 'at', '1 day', 'delete', name => 'never', schedule => 'now and then') $$,
  '22023', NULL, 'a wrong schedule makes no policy');
SELECT lives_ok($$ SELECT perf_optimizer.drop_archive_policy('planned') $$, 'dropping the policy');
SELECT is_empty($$ SELECT * FROM perf_optimizer.jobs WHERE kind = 'archive' $$, 'drops its jobs');

-- Drift and the end.
ALTER TABLE po_ar.walked ADD COLUMN more int;
SELECT matches(blockers[1], 'more', 'a column added later is a blocker') FROM perf_optimizer.preview_archive('walked');
DROP TABLE po_ar.walked_archive;
SELECT matches(blockers[1], 'does not exist', 'a dropped destination too') FROM perf_optimizer.preview_archive('walked');
DROP TABLE po_ar.walked;
SELECT matches(blockers[1], 'does not exist', 'and a dropped table') FROM perf_optimizer.preview_archive('walked');
SELECT lives_ok($$ SELECT perf_optimizer.drop_archive_policy('walked') $$, 'such a policy can be dropped');
SELECT is(count(*), 1::bigint, 'its runs stay') FROM perf_optimizer.archive_runs WHERE policy = 'walked';

SELECT * FROM finish();
DROP SCHEMA po_ar CASCADE;
DROP ROLE po_test_owner, po_test_other;
