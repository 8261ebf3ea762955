-- Archive policies: changing them, windows, drift, purging, restoring, verifying, files.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT * FROM no_plan();

SET client_min_messages = error;
SET TimeZone = 'UTC';
CREATE ROLE po_test_archiver;
CREATE SCHEMA po_am;
GRANT ALL ON SCHEMA po_am TO po_test_archiver;

-- Makes table po_am.<name> of n rows, one a day back from now.
CREATE FUNCTION pg_temp.make(name text, n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE po_am.%I (id int PRIMARY KEY, at timestamptz, note text)', name);
  EXECUTE format('INSERT INTO po_am.%I SELECT i, now() - i * interval ''1 day'', ''n'' || i FROM generate_series(1, %s) i', name, n);
END $$;
-- The last run, as text.
CREATE FUNCTION pg_temp.last_run(policy text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', r.action, r.status, r.rows_archived, r.rows_purged, r.why_stopped) FROM perf_optimizer.archive_runs r
  WHERE r.policy = $1 ORDER BY r.run_id DESC LIMIT 1 $$;

-- Changing a policy.
SELECT pg_temp.make('changed', 100);
SELECT is(perf_optimizer.create_archive_policy('po_am.changed', 'at', '30 days 1 hour', batch_rows => 20), 'changed', 'a policy');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('changed', '60 days 1 hour', predicate => 'id % 2 = 0', batch_rows => 7,
  max_rows_per_second => 100000, max_replica_lag => '1 s', timezone => 'Europe/Berlin', fk_policy => 'cascade', max_share_pct => 50, max_runtime => '1 h',
  run_window => '00:00-24:00', max_wal_bytes_per_second => 1000000000, purge_after => '1 year', on_drift => 'add_columns') $$, 'every option is changed');
SELECT results_eq($$ SELECT older_than, predicate, batch_rows, max_rows_per_second, max_replica_lag, timezone, fk_policy, max_share_pct, max_runtime, run_window,
    max_wal_bytes_per_second, purge_after, on_drift FROM perf_optimizer.archive_policies WHERE policy = 'changed' $$,
  $$ VALUES ('60 days 1 hour'::interval, '((id % 2) = 0)', 7, 100000, '1 s'::interval, 'Europe/Berlin', 'cascade', 50::float8, '1 h'::interval, '00:00-24:00',
    1000000000::bigint, '1 year'::interval, 'add_columns') $$, 'and shown');
SELECT is((SELECT eligible_rows FROM perf_optimizer.preview_archive('changed')), 20::bigint, 'the preview follows');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('changed', reset => '{predicate,max_rows_per_second,max_replica_lag,max_share_pct,max_runtime,run_window,max_wal_bytes_per_second,purge_after}') $$,
  'options are reset');
SELECT results_eq($$ SELECT older_than, predicate, max_rows_per_second, max_replica_lag, max_share_pct, max_runtime, run_window, max_wal_bytes_per_second, purge_after
    FROM perf_optimizer.archive_policies WHERE policy = 'changed' $$,
  $$ VALUES ('60 days 1 hour'::interval, NULL::text, NULL::int, NULL::interval, NULL::float8, NULL::interval, NULL::text, NULL::bigint, NULL::interval) $$, 'to no value, the rest is kept');
CALL perf_optimizer.run_archive('changed');
SELECT is(pg_temp.last_run('changed'), 'archive succeeded 40 0 nothing left', 'a run follows');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('changed', schedule => '@daily') $$, 'a schedule');
SELECT is((SELECT schedule FROM perf_optimizer.jobs WHERE target = 'changed' AND kind = 'archive'), '@daily', 'makes a job');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('changed', schedule => '@weekly') $$, 'another one');
SELECT is((SELECT array_agg(schedule) FROM perf_optimizer.jobs WHERE target = 'changed' AND kind = 'archive'), '{@weekly}', 'changes it');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('changed', reset => '{schedule}') $$, 'none');
SELECT is((SELECT count(*) FROM perf_optimizer.jobs WHERE target = 'changed'), 0::bigint, 'removes it');
SELECT throws_ok(format('SELECT perf_optimizer.alter_archive_policy(%s)', args), state, NULL, what)
  FROM (VALUES ($$ NULL $$, '22004', 'no policy'), ($$ 'nope' $$, '42704', 'an unknown policy'), ($$ 'changed', '-1 day' $$, '22023', 'a negative age'),
    ($$ 'changed', predicate => 'random() < 1' $$, '42601', 'a volatile predicate'), ($$ 'changed', batch_rows => 0 $$, '22023', 'no rows'),
    ($$ 'changed', max_rows_per_second => -1 $$, '22023', 'a negative rate'), ($$ 'changed', run_window => 'sometimes' $$, '22023', 'no window'),
    ($$ 'changed', on_drift => 'ignore' $$, '22023', 'an unknown on_drift'), ($$ 'changed', purge_after => '1 day' $$, '22023', 'purged before archived'),
    ($$ 'changed', reset => '{older_than}' $$, '22023', 'an option that is needed'), ($$ 'changed', timezone => 'Mars' $$, '22023', 'no zone'),
    ($$ 'changed', schedule => 'never' $$, '22023', 'no schedule'), ($$ 'changed', fk_policy => 'x' $$, '22023', 'an unknown fk_policy')) v (args, state, what);
SET ROLE po_test_archiver;
SELECT throws_ok($$ SELECT perf_optimizer.alter_archive_policy('changed', '1 day') $$, '42501', NULL, 'another role changes nothing');
SELECT throws_ok($$ SELECT * FROM perf_optimizer.verify_archive('changed') $$, '42501', NULL, 'and verifies nothing');
RESET ROLE;

-- Outside of its window a run takes nothing.
SELECT pg_temp.make('windowed', 50);
SELECT is(perf_optimizer.create_archive_policy('po_am.windowed', 'at', '10 days 1 hour',
  run_window => to_char(now() + interval '3 hours', 'HH24:MI') || '-' || to_char(now() + interval '4 hours', 'HH24:MI')), 'windowed', 'a window later today');
CALL perf_optimizer.run_archive('windowed');
SELECT is(pg_temp.last_run('windowed'), 'archive succeeded 0 0 run_window', 'nothing is taken before');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('windowed', timezone => 'Etc/GMT-3',
  run_window => to_char((now() + interval '3 hours') - interval '20 minutes', 'HH24:MI') || '-' || to_char((now() + interval '3 hours') + interval '20 minutes', 'HH24:MI')) $$,
  'a window of now in the policy''s zone');
CALL perf_optimizer.run_archive('windowed');
SELECT is(pg_temp.last_run('windowed'), 'archive succeeded 40 0 nothing left', 'inside, the rows are taken');

-- A column that the table got later.
SELECT pg_temp.make('drifted', 20);
SELECT is(perf_optimizer.create_archive_policy('po_am.drifted', 'at', '10 days 1 hour'), 'drifted', 'a policy');
CREATE DOMAIN po_am.short AS varchar(9) COLLATE "C";
ALTER TABLE po_am.drifted ADD COLUMN "New One" numeric(8,2) DEFAULT 1.5, ADD COLUMN word po_am.short;
SELECT throws_ok($$ SELECT perf_optimizer.create_archive_policy('po_am.drifted', 'at', '10 days 1 hour', destination => 'po_am.drifted_archive', name => 'd2') $$, '55000', NULL,
  'is a blocker');
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('drifted', on_drift => 'add_columns') $$, 'unless columns may be added');
SELECT is((SELECT blockers FROM perf_optimizer.preview_archive('drifted')), '{}', 'then it is none');
CALL perf_optimizer.run_archive('drifted');
SELECT is((SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'po_am.drifted_archive'::regclass AND attnum > 3),
  'New One numeric(8,2), word po_am.short', 'the columns are added');
SELECT is((SELECT array_agg(DISTINCT "New One") FROM po_am.drifted_archive), '{1.50}', 'and filled');
ALTER TABLE po_am.drifted ALTER COLUMN note TYPE varchar(40);
SELECT throws_ok($$ SELECT perf_optimizer.alter_archive_policy('drifted', '11 days') $$, '55000', NULL, 'another type stays a blocker');

-- Restoring.
SELECT pg_temp.make('back', 100);
CREATE TEMP TABLE before AS SELECT * FROM po_am.back;
SELECT is(perf_optimizer.create_archive_policy('po_am.back', 'at', '10 days 1 hour', batch_rows => 10), 'back', 'a policy');
CALL perf_optimizer.run_archive('back');
CALL perf_optimizer.restore_archive('back', now() - interval '20 days 1 hour', now() - interval '15 days 1 hour');
SELECT is((SELECT array_agg(id ORDER BY id) FROM po_am.back), ARRAY[1,2,3,4,5,6,7,8,9,10,16,17,18,19,20], 'the rows of the range are back');
SELECT is((SELECT count(*) FROM po_am.back_archive), 85::bigint, 'and have left the archive');
SELECT is(pg_temp.last_run('back'), 'restore succeeded 5 0 nothing left', 'which is recorded');
SELECT results_eq($$ SELECT check_name, ok, expected, found FROM perf_optimizer.verify_archive('back') $$,
  $$ VALUES ('rows in both tables', true, 0::bigint, 0::bigint), ('rows in the archive', true, 85::bigint, 85::bigint), ('content of the archive', true, 85, 85) $$, 'the archive verifies');
CALL perf_optimizer.restore_archive('back', '-infinity', 'infinity');
SELECT results_eq('SELECT * FROM po_am.back ORDER BY id', 'SELECT * FROM before ORDER BY id', 'all of it, unchanged');
CALL perf_optimizer.run_archive('back');
INSERT INTO po_am.back VALUES (50, now(), 'taken');
SELECT results_eq($$ SELECT check_name, ok, expected, found FROM perf_optimizer.verify_archive('back') $$,
  $$ VALUES ('rows in both tables', false, 0::bigint, 1::bigint), ('rows in the archive', true, 90::bigint, 90::bigint), ('content of the archive', true, 90, 90) $$, 'a key that was written again is found');
DELETE FROM po_am.back_archive WHERE id = 60;
SELECT is((SELECT ok FROM perf_optimizer.verify_archive('back') WHERE check_name = 'rows in the archive'), false, 'and a row that left the archive');
\set ON_ERROR_STOP 0
CALL perf_optimizer.restore_archive('back', '-infinity', 'infinity');
SELECT is(:'SQLSTATE'::text, '23505', 'a key that is there is refused');
CALL perf_optimizer.restore_archive('back', now(), now());
SELECT is(:'SQLSTATE'::text, '22023', 'an empty range');
CALL perf_optimizer.restore_archive('back', NULL, now());
SELECT is(:'SQLSTATE'::text, '22004', 'a NULL');
CALL perf_optimizer.restore_archive('nope', now() - interval '1 day', now());
SELECT is(:'SQLSTATE'::text, '42704', 'an unknown policy');
BEGIN;
CALL perf_optimizer.restore_archive('back', now() - interval '1 day', now());
\set state :SQLSTATE
ROLLBACK;
SELECT is(:'state'::text, '2D000', 'inside a transaction');
SELECT is((SELECT count(*) FROM po_am.back_archive) + (SELECT count(*) FROM po_am.back), 100::bigint, 'errors lose nothing');

-- Restoring into identity and generated columns, from an archive with another order of columns.
CREATE TABLE po_am.shaped (gone int, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at date, n int, twice int GENERATED ALWAYS AS (n * 2) STORED);
INSERT INTO po_am.shaped (at, n) SELECT now()::date - i, i FROM generate_series(1, 20) i;
SELECT is(perf_optimizer.create_archive_policy('po_am.shaped', 'at', '10 days', timezone => 'UTC'), 'shaped', 'generated columns');
CREATE TEMP TABLE shaped_before AS SELECT id, at, n, twice FROM po_am.shaped;
CALL perf_optimizer.run_archive('shaped');
ALTER TABLE po_am.shaped DROP COLUMN gone;
CALL perf_optimizer.restore_archive('shaped', '-infinity', 'infinity');
SELECT results_eq('SELECT id, at, n, twice FROM po_am.shaped ORDER BY id', 'SELECT * FROM shaped_before ORDER BY id', 'come back');

-- Copies.
SELECT pg_temp.make('twin', 30);
SELECT is(perf_optimizer.create_archive_policy('po_am.twin', 'at', '10 days 1 hour', 'copy'), 'twin', 'a copy');
CALL perf_optimizer.run_archive('twin');
DELETE FROM po_am.twin WHERE id IN (15, 20);
UPDATE po_am.twin SET note = 'changed' WHERE id = 25;
CALL perf_optimizer.restore_archive('twin', '-infinity', 'infinity');
SELECT is((SELECT count(*) FROM po_am.twin), 30::bigint, 'what is missing comes back, what is there stays');
SELECT results_eq($$ SELECT check_name, ok, expected, found FROM perf_optimizer.verify_archive('twin') $$,
  $$ VALUES ('copies that differ', false, 0::bigint, 1::bigint), ('rows in the archive', true, 18::bigint, 20::bigint) $$, 'a changed original is found');

-- Refusals.
CREATE TABLE po_am.keyless (at timestamptz, n int);
INSERT INTO po_am.keyless SELECT now() - i * interval '1 day', i FROM generate_series(1, 20) i;
SELECT is(perf_optimizer.create_archive_policy('po_am.keyless', 'at', '10 days 1 hour'), 'keyless', 'no key');
CALL perf_optimizer.run_archive('keyless');
CALL perf_optimizer.restore_archive('keyless', '-infinity', 'infinity');
SELECT is(:'SQLSTATE'::text, '55000', 'rows are not brought back without a key that would refuse doubles');
SELECT is((SELECT found FROM perf_optimizer.verify_archive('keyless') WHERE check_name = 'rows in the archive'), 10::bigint, 'the count is verified');
SELECT pg_temp.make('lost', 20);
SELECT is(perf_optimizer.create_archive_policy('po_am.lost', 'at', '10 days 1 hour', 'delete'), 'lost', 'deleted rows');
CALL perf_optimizer.run_archive('lost');
CALL perf_optimizer.restore_archive('lost', '-infinity', 'infinity');
SELECT is(:'SQLSTATE'::text, '55000', 'do not come back');
SELECT is_empty($$ SELECT * FROM perf_optimizer.verify_archive('lost') $$, 'and there is nothing to verify');

-- Without rates of its own a policy writes no more WAL at once than leaves room for others.
CREATE TABLE po_am.wide_rows (id int PRIMARY KEY, at timestamptz NOT NULL, content text);
ALTER TABLE po_am.wide_rows ALTER content SET STORAGE PLAIN;
INSERT INTO po_am.wide_rows SELECT i, now() - i * interval '1 day', repeat('x', 4000) FROM generate_series(1, 3000) i;
CREATE TABLE po_am.wide_fast (LIKE po_am.wide_rows INCLUDING ALL);
SELECT is(perf_optimizer.create_archive_policy('po_am.wide_rows', 'at', '1 hour', destination => 'po_am.wide_fast', name => 'wide_fast',
  max_wal_bytes_per_second => 1000000000000), 'wide_fast', 'any rate');
CALL perf_optimizer.run_archive('wide_fast');
SELECT is((SELECT rows_archived FROM perf_optimizer.archive_runs WHERE policy = 'wide_fast'), 3000::bigint, 'all goes');
INSERT INTO po_am.wide_rows TABLE po_am.wide_fast;
CREATE TABLE po_am.wide_slow (LIKE po_am.wide_rows INCLUDING ALL);
SELECT is(perf_optimizer.create_archive_policy('po_am.wide_rows', 'at', '1 hour', destination => 'po_am.wide_slow'), 'wide_rows', 'no rate');
CALL perf_optimizer.run_archive('wide_rows');
SELECT ok(rows_archived = 3000 AND batches >= 10, 'they shrink to a part of what may be written in a second: ' || batches)
  FROM perf_optimizer.archive_runs WHERE policy = 'wide_rows';
-- The archive has an end, too.
SELECT pg_temp.make('ends', 100);
SELECT is(perf_optimizer.create_archive_policy('po_am.ends', 'at', '10 days 1 hour', purge_after => '50 days 1 hour', batch_rows => 9), 'ends', 'a purge');
CALL perf_optimizer.run_archive('ends');
SELECT is(pg_temp.last_run('ends'), 'archive succeeded 90 50 nothing left', 'takes what is older');
SELECT is((SELECT max(id) FROM po_am.ends_archive), 50, 'and nothing else');
SELECT is((SELECT bool_and(ok) FROM perf_optimizer.verify_archive('ends')), true, 'the archive verifies');
CREATE TABLE po_am.monthly (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE po_am.monthly_1 PARTITION OF po_am.monthly FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE po_am.monthly_2 PARTITION OF po_am.monthly FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
CREATE TABLE po_am.monthly_3 PARTITION OF po_am.monthly DEFAULT;
INSERT INTO po_am.monthly SELECT i, timestamptz '2020-01-15' + i * interval '1 day' FROM generate_series(0, 40) i;
SELECT is(perf_optimizer.create_archive_policy('po_am.monthly', 'at', '1 day', purge_after => (now() - '2020-02-10'::timestamptz)::interval), 'monthly', 'a purge of partitions');
CALL perf_optimizer.run_archive('monthly');
SELECT is(to_regclass('po_am.monthly_1'), NULL, 'drops a partition that is old as a whole');
SELECT is((SELECT min(at) FROM po_am.monthly_archive) BETWEEN '2020-02-09' AND '2020-02-11', true, 'and deletes rows of the next');
SELECT ok(pg_temp.last_run('monthly') LIKE 'archive succeeded 41 2_ nothing left', 'which is recorded');

-- Files.
SELECT pg_temp.make('filed', 100);
ALTER TABLE po_am.filed ADD COLUMN "B x" bytea, ADD COLUMN f float8, ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED;
UPDATE po_am.filed SET "B x" = decode(md5(id::text), 'hex'), f = 1.0 / id, note = CASE WHEN id % 7 = 0 THEN NULL WHEN id % 3 = 0 THEN '' ELSE E'a "quoted",\nline\\' END;
CREATE TEMP TABLE filed_before AS SELECT * FROM po_am.filed;
SELECT current_setting('data_directory') || '/po_test_files' AS dir \gset
\setenv PO_DIR :dir
\! mkdir -p "$PO_DIR"
SELECT is(perf_optimizer.create_archive_policy('po_am.filed', 'at', '10 days 1 hour', export_directory => :'dir', batch_rows => 40, name => 'filed/away', purge_after => '95 days 1 hour'),
  'filed/away', 'rows go to files');
SELECT is((SELECT blockers FROM perf_optimizer.preview_archive('filed/away')), '{}', 'nothing stands against it');
SET DateStyle = 'SQL, DMY';
SET extra_float_digits = 0;
CALL perf_optimizer.run_archive('filed/away');
RESET DateStyle;
RESET extra_float_digits;
SELECT is(pg_temp.last_run('filed/away'), 'archive succeeded 90 0 nothing left', 'all of them');
SELECT is((SELECT count(*) FROM po_am.filed), 10::bigint, 'and leave the table');
SELECT results_eq($$ SELECT row_count, path ~ '/filed_away-\d+\.csv$', bytes = (pg_stat_file(path)).size, sha256 = encode(sha256(pg_read_binary_file(path)), 'hex'), newest < now() - interval '10 days'
    FROM perf_optimizer.archive_files WHERE policy = 'filed/away' ORDER BY file_id $$,
  $$ VALUES (40::bigint, true, true, true, true), (40, true, true, true, true), (10, true, true, true, true) $$, 'the manifest has each file with its checksum');
SELECT is((SELECT count(*) FROM pg_ls_dir(:'dir')), 3::bigint, 'no other file is left');
SELECT is((SELECT bool_and(ok) FROM perf_optimizer.verify_archive('filed/away')), true, 'the files verify');
CALL perf_optimizer.restore_archive('filed/away', now() - interval '30 days 1 hour', now() - interval '20 days 1 hour');
SELECT is((SELECT array_agg(id ORDER BY id) FROM po_am.filed WHERE id > 10), ARRAY(SELECT generate_series(21, 30)), 'rows of a range come back');
CALL perf_optimizer.restore_archive('filed/away', now() - interval '30 days 1 hour', now() - interval '20 days 1 hour');
SELECT is(:'SQLSTATE'::text, '23505', 'once');
DELETE FROM po_am.filed WHERE id > 10;
CALL perf_optimizer.restore_archive('filed/away', '-infinity', 'infinity');
SELECT results_eq('SELECT * FROM po_am.filed ORDER BY id', 'SELECT * FROM filed_before ORDER BY id', 'all of them, unchanged');
SELECT is((SELECT sum(rows_restored) FROM perf_optimizer.archive_files WHERE policy = 'filed/away'), 100::numeric, 'which the manifest counts');
UPDATE po_am.filed SET at = at - interval '60 days' WHERE id > 90;
CREATE INDEX ON po_am.filed (at);
SELECT lives_ok($$ SELECT perf_optimizer.alter_archive_policy('filed/away', batch_rows => 10) $$, 'batches by time');
CALL perf_optimizer.run_archive('filed/away');
SELECT ok(count(*) >= 1 AND bool_and((purged_at IS NOT NULL) = (newest < now() - interval '95 days 1 hour')), 'files that are old as a whole are purged, and no others')
  FROM perf_optimizer.archive_files WHERE policy = 'filed/away';
SELECT path, oldest, newest FROM perf_optimizer.archive_files WHERE policy = 'filed/away' AND purged_at IS NULL ORDER BY file_id LIMIT 1 \gset
\setenv PO_FILE :path
\! echo x >> "$PO_FILE"
SELECT is((SELECT count(*) FROM perf_optimizer.verify_archive('filed/away') WHERE NOT ok), 1::bigint, 'a changed file is found');
CALL perf_optimizer.restore_archive('filed/away', :'oldest', :'newest');
SELECT is(:'SQLSTATE'::text, '58030', 'and not restored from');
\! rm "$PO_FILE"
SELECT ok((SELECT message LIKE '%is missing' FROM perf_optimizer.verify_archive('filed/away') WHERE NOT ok), 'a missing one too');
SELECT throws_ok(format('SELECT perf_optimizer.create_archive_policy(%L, %L, %L, %s, name => %L)', 'po_am.filed', 'at', '1 day', args, 'bad'), state, NULL, what)
  FROM (VALUES ($$ export_directory => 'here' $$, '22023', 'a relative path'), ($$ export_directory => '/no/such/dir' $$, '55000', 'no directory'),
    ($$ 'delete', export_directory => '/tmp' $$, '22023', 'deleting to files'), ($$ 'copy', export_directory => '/tmp' $$, '22023', 'copying to files'),
    ($$ destination => 'po_am.back_archive', export_directory => '/tmp' $$, '22023', 'two places')) v (args, state, what);
GRANT ALL ON po_am.filed TO po_test_archiver;
ALTER TABLE po_am.filed OWNER TO po_test_archiver;
SET ROLE po_test_archiver;
SELECT throws_ok(format('SELECT perf_optimizer.create_archive_policy(%L, %L, %L, export_directory => %L, name => %L)', 'po_am.filed', 'at', '1 day', :'dir', 'bad'), '55000', NULL,
  'files need pg_write_server_files');
SELECT is((SELECT count(*) FROM perf_optimizer.archive_files), 0::bigint, 'and are not shown to others');
RESET ROLE;

SELECT * FROM finish();
DROP SCHEMA po_am CASCADE;
DROP ROLE po_test_archiver;
