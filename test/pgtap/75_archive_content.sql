-- verify_archive compares the archive's content with what runs have put there: after moves, restores and purges, whatever the types; changes are found.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SET timezone = 'UTC';
SELECT plan(27);
CREATE SCHEMA "po Co";
SET search_path = "po Co", public;
CREATE FUNCTION content(policy text) RETURNS text LANGUAGE sql AS $$ SELECT format('%s of %s%s', found, expected, CASE WHEN ok THEN '' ELSE ': ' || message END) FROM perf_optimizer.verify_archive(policy) WHERE check_name = 'content of the archive' $$;
CREATE FUNCTION made(name text, n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, at timestamptz, "Note" text, n numeric, tags text[], twice int GENERATED ALWAYS AS (id * 2) STORED)', name);
  EXECUTE format('INSERT INTO %I SELECT i, now() - i * interval ''1 day'', CASE WHEN i %% 2 = 0 THEN ''n'' || i END, i / 3.0, ARRAY[''a'', i::text] FROM generate_series(1, %s) i', name, n);
  RETURN perf_optimizer.create_archive_policy(name::regclass, 'at', '10 days 1 hour', batch_rows => 30, purge_after => '80 days 1 hour');
END $$;
SELECT is(made('moved', 100), 'moved', 'a table with generated, array and NULL values');
CALL perf_optimizer.run_archive('moved');
SELECT is(content('moved'), '70 of 70', 'after a move and a purge');
CALL perf_optimizer.restore_archive('moved', now() - interval '40 days 1 hour', now() - interval '20 days 1 hour');
SELECT is(content('moved'), '50 of 50', 'after a restore, which computes generated columns anew');
CALL perf_optimizer.run_archive('moved');
SELECT is(content('moved'), '70 of 70', 'and after the next move');
-- Changes, and that the right rows are looked at.
UPDATE moved_archive SET n = n + 0.1 WHERE id = 33;
SELECT is(content('moved'), '0 of 70: rows in the archive are not as they were when they came there', 'a changed value');
UPDATE moved_archive SET n = n - 0.1 WHERE id = 33;
SELECT is(content('moved'), '70 of 70', 'changed back');
UPDATE moved_archive SET "Note" = '' WHERE id = 33;
SELECT isnt(content('moved'), '70 of 70', 'an empty text for NULL');
UPDATE moved_archive SET "Note" = NULL WHERE id = 33;
WITH gone AS (DELETE FROM moved_archive WHERE id = 40 RETURNING *) INSERT INTO moved_archive (id, at, "Note", n, tags, twice) SELECT 41, at, "Note", n, tags, twice FROM gone WHERE false;
INSERT INTO moved_archive (id, at, "Note", n, tags, twice) SELECT 4000, at, "Note", n, tags, twice FROM moved_archive WHERE id = 42;
SELECT is(content('moved'), '0 of 70: rows in the archive are not as they were when they came there', 'as many rows, but others');
DELETE FROM moved_archive WHERE id = 4000;
SELECT is(content('moved'), NULL, 'of another number of rows nothing is said but that');
-- Types without a hash of their own.
CREATE TABLE odd (id int PRIMARY KEY, at timestamp, j json, p point, x text);
INSERT INTO odd SELECT i, now() - i * interval '1 day', json_build_object('i', i), point(i, 1), 'x' FROM generate_series(1, 50) i;
SELECT is(perf_optimizer.create_archive_policy('odd', 'at', '10 days 1 hour', timezone => 'UTC'), 'odd', 'types without a hash');
CALL perf_optimizer.run_archive('odd');
SELECT is(content('odd'), '40 of 40', 'are hashed as text');
SET datestyle = 'German';
SET extra_float_digits = 0;
SELECT is(content('odd'), '40 of 40', 'whatever the session''s settings');
RESET datestyle;
RESET extra_float_digits;
UPDATE odd_archive SET p = point(0, 0) WHERE id = 20;
SELECT isnt(content('odd'), '40 of 40', 'and changes are found');
-- A column of another order and more in the archive; a column that came later.
CREATE TABLE wide (extra text DEFAULT 'e', at timestamptz, id int PRIMARY KEY);
CREATE TABLE narrow (id int PRIMARY KEY, at timestamptz);
INSERT INTO narrow SELECT i, now() - i * interval '1 day' FROM generate_series(1, 50) i;
SELECT is(perf_optimizer.create_archive_policy('narrow', 'at', '20 days 1 hour', destination => 'wide', on_drift => 'add_columns'), 'narrow', 'another order of columns');
CALL perf_optimizer.run_archive('narrow');
SELECT is(content('narrow'), '30 of 30', 'is the same content');
ALTER TABLE narrow ADD COLUMN later int;
UPDATE narrow SET at = at - interval '1 year' WHERE id < 5;
CALL perf_optimizer.run_archive('narrow');
SELECT is(content('narrow'), NULL, 'with a column that came later nothing can be said');
SELECT is((SELECT bool_and(ok) FROM perf_optimizer.verify_archive('narrow')), true, 'but the rest');
-- Whole partitions are not read.
CREATE TABLE parts (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
INSERT INTO parts VALUES (1, '2020-01-05');
SELECT is(perf_optimizer.create_archive_policy('parts', 'at', '1 year'), 'parts', 'a partitioned table');
CALL perf_optimizer.run_archive('parts');
SELECT is(content('parts'), NULL, 'partitions that left as a whole are not hashed');
SELECT is((SELECT found FROM perf_optimizer.verify_archive('parts') WHERE check_name = 'rows in the archive'), 1::bigint, 'but counted');
SELECT is((SELECT rows_estimated FROM perf_optimizer.archive_runs WHERE policy = 'parts'), 0::bigint, 'when they are small');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2020-02-01') TO ('2020-03-01') WITH (fillfactor = 10);
INSERT INTO parts SELECT i, '2020-02-05' FROM generate_series(1, 30000) i;
VACUUM ANALYZE parts_2;
CALL perf_optimizer.run_archive('parts');
SELECT is((SELECT count(*) FROM parts_archive), 30001::bigint, 'a large one leaves as well');
SELECT ok(rows_archived = rows_estimated AND rows_archived BETWEEN 25000 AND 35000, 'its rows are estimated: ' || rows_archived)
  FROM perf_optimizer.archive_runs WHERE policy = 'parts' ORDER BY run_id DESC LIMIT 1;
SELECT ok(ok AND found = 30001 AND message LIKE 'large partitions move as a whole%', 'which verify_archive says')
  FROM perf_optimizer.verify_archive('parts') WHERE check_name = 'rows in the archive';
SELECT is_empty($$ SELECT FROM pg_constraint WHERE conrelid = 'parts_2'::regclass AND contype = 'c' $$, 'no helper constraint is left');
SELECT throws_ok($$ INSERT INTO parts_2 VALUES (1, '2020-03-01') $$, '23514', NULL, 'the bounds hold in the archive');
TRUNCATE parts_archive;
SELECT is((SELECT ok FROM perf_optimizer.verify_archive('parts') WHERE check_name = 'rows in the archive'), false, 'rows that are missing beyond what was estimated are an error');
SELECT * FROM finish();
DROP SCHEMA "po Co" CASCADE;
