-- suggest_partitioning: what it weighs, that its scripts run as printed and lose nothing, what stands against it, errors.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SET client_min_messages = error;
SET timezone = 'UTC';
SELECT * FROM no_plan();
CREATE ROLE po_test_owner;
CREATE ROLE po_test_reader;
CREATE SCHEMA "po Pa" AUTHORIZATION po_test_owner;
SET search_path = "po Pa", public;

-- An append-only table with all that a table can have.
CREATE TABLE "Tenant" (id int PRIMARY KEY);
INSERT INTO "Tenant" SELECT generate_series(1, 200);
CREATE TABLE "Call" ("id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "tenantId" int NOT NULL REFERENCES "Tenant", "Made at" timestamptz NOT NULL DEFAULT now(), no serial, note text DEFAULT 'x' CHECK (note <> ''),
  twice int GENERATED ALWAYS AS ("tenantId" * 2) STORED, UNIQUE (no)) WITH (fillfactor = 90);
INSERT INTO "Call" ("tenantId", "Made at") SELECT 1 + g % 200, timestamptz '2023-01-01 00:00+00' + g * interval '80 minutes' FROM generate_series(1, 10000) g;
CREATE INDEX "Call at" ON "Call" ("Made at");
CREATE UNIQUE INDEX "Call low" ON "Call" (lower(note || no));
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'noted'; RETURN NEW; END $$;
CREATE TRIGGER "note it" BEFORE INSERT ON "Call" FOR EACH ROW EXECUTE FUNCTION noted();
ALTER TABLE "Tenant" OWNER TO po_test_owner;
ALTER TABLE "Call" OWNER TO po_test_owner;
GRANT SELECT ON "Call" TO po_test_reader;
GRANT UPDATE (note) ON "Call" TO po_test_reader WITH GRANT OPTION;
COMMENT ON TABLE "Call" IS 'it''s';
VACUUM ANALYZE "Call", "Tenant";
SELECT pg_stat_force_next_flush();
CREATE FUNCTION seen() RETURNS text LANGUAGE sql STABLE AS $$ SELECT md5(string_agg(format('%s %s %s %s %s %s', id, "tenantId", "Made at", no, note, twice), ',' ORDER BY id)) FROM "Call" $$;

-- What statements do with the table.
SELECT pg_stat_statements_reset() IS NULL AS reset \gset
\o /dev/null
SELECT count(*) FROM "Call" WHERE "Made at" >= timestamptz '2024-01-01' AND "tenantId" = 7;
SELECT note FROM "Call" c WHERE c."Made at" > now() - interval '1 day' AND c.id = 5;
SELECT note FROM "Call" WHERE id = 5;
SELECT count(*) FROM "Call" a JOIN "Call" b USING ("tenantId") WHERE a."tenantId" = 3 AND a.id < b.id;
SELECT count(*) FROM "Call" WHERE "tenantId" IN (1, 2);
SELECT count(*) FROM "Call" JOIN "Tenant" t ON t.id = "tenantId" WHERE t.id = 9;
UPDATE "Call" SET note = 'y' WHERE "tenantId" = 4 AND id = 4;
INSERT INTO "Call" ("tenantId", "Made at") VALUES (5, '2024-07-10');
\o
SELECT bag_eq($$ SELECT format('%s %s: equal %s, limited %s, local %s, %s joins by %s', calls, command, equal_columns, limited_columns, local_columns, joins, joined_columns)
                  FROM perf_optimizer.relation_statements('"Call"') WHERE command <> 'INSERT' $$,
  $$ VALUES ('1 SELECT: equal {tenantId}, limited {tenantId,"Made at"}, local {tenantId}, 0 joins by {}'), ('1 SELECT: equal {id}, limited {id,"Made at"}, local {id}, 0 joins by {}'),
            ('1 SELECT: equal {id}, limited {id}, local {id}, 0 joins by {}'), ('1 SELECT: equal {tenantId}, limited {tenantId}, local {tenantId}, 1 joins by {tenantId}'),
            ('1 SELECT: equal {}, limited {tenantId}, local {}, 0 joins by {}'), ('1 SELECT: equal {tenantId}, limited {tenantId}, local {tenantId}, 0 joins by {}'),
            ('1 UPDATE: equal {id,tenantId}, limited {id,tenantId}, local {id,tenantId}, 0 joins by {}') $$, 'each statement, and by which columns');
SELECT is((SELECT array_length(local_columns, 1) FROM perf_optimizer.relation_statements('"Call"') WHERE command = 'INSERT'), 6, 'one row goes to one shard whichever column it is');

-- Small tables stay as they are.
SELECT results_eq($$ SELECT definition, reason LIKE 'It has % MB: partitions cost%' OR reason LIKE 'It has % kB: partitions cost%' FROM perf_optimizer.suggest_partitioning('"Call"') $$, $$ VALUES (NULL::text, true) $$, 'a small table');
SELECT ok(definition IS NULL AND reason LIKE '%29 \% of the calls that read it limit "Made at"%' AND share_pct BETWEEN 28 AND 30, reason) FROM perf_optimizer.partitioning_advice('"Call"', 0);

-- Most calls look at a part of the time.
\o /dev/null
SELECT count(*) FROM "Call" WHERE "Made at" >= timestamptz '2024-01-01' AND "tenantId" = 7 \; SELECT count(*) FROM "Call" WHERE "Made at" >= timestamptz '2024-01-01' AND "tenantId" = 8 \; SELECT count(*) FROM "Call" WHERE "Made at" >= timestamptz '2024-01-01' AND "tenantId" = 9 \; SELECT count(*) FROM "Call" WHERE "Made at" >= timestamptz '2024-01-01' AND "tenantId" = 10;
\o
SELECT ok(definition IS NOT NULL AND key_column = 'Made at' AND strategy = 'range' AND reason LIKE '%55 \% of the calls%appended in its order%"Call low", "Call_no_key", "Call_pkey" can no longer be unique by itself%', reason) FROM perf_optimizer.partitioning_advice('"Call"', 0);
-- An archive policy is a reason too, and moves on to the new table.
SET ROLE po_test_owner;
SELECT perf_optimizer.create_archive_policy('"po Pa"."Call"', 'Made at', '300 days', strategy => 'delete', name => 'old calls', timezone => 'Europe/Berlin', max_share_pct => 99, run_window => '22:00-06:00') AS policy_name \gset
RESET ROLE;
SELECT seen() AS before, (SELECT to_jsonb(p) - 'relation' - 'created_at' FROM perf_optimizer.archive_policies p) AS policy \gset
SELECT definition AS script, cardinality(regexp_matches(reason, 'old calls.*leave at once')) AS found FROM perf_optimizer.partitioning_advice('"Call"', 0) \gset
SELECT is(:found, 1, 'the policy is named');
SELECT ok(:'script' LIKE '%FROM (''2022-12-31 23:00:00+00'') TO (''2023-03-31 22:00:00+00'')%', 'quarters begin in the policy''s time zone');
\o /dev/null
:script
\o
SELECT is((SELECT relkind::text || relowner::regrole FROM pg_class WHERE oid = '"Call"'::regclass), 'ppo_test_owner', 'the script made a partitioned table, of the same owner');
SELECT is(seen(), :'before', 'with the same rows');
SELECT ok(count(*) BETWEEN 7 AND 100 AND count(*) FILTER (WHERE c.reloptions = '{fillfactor=90}' AND c.relowner = 'po_test_owner'::regrole) = count(*), 'in partitions with its options, of its owner') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '"Call"'::regclass;
SELECT is((SELECT array_agg(pg_get_constraintdef(oid) ORDER BY pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = '"Call"'::regclass AND contype IN ('p', 'u', 'f', 'c')),
  ARRAY['CHECK ((note <> ''''::text))', 'FOREIGN KEY ("tenantId") REFERENCES "Tenant"(id)', 'PRIMARY KEY (id, "Made at")', 'UNIQUE (no, "Made at")'], 'constraints, keys with the partition key');
SELECT is((SELECT array_agg(c.relname || CASE WHEN i.indisunique THEN ' unique' ELSE '' END ORDER BY c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '"Call"'::regclass),
  ARRAY['Call at', 'Call low', 'Call_no_key unique', 'Call_pkey unique'], 'indexes by their names');
SELECT is(to_jsonb(p) - 'relation' - 'created_at', :'policy'::jsonb, 'the policy as it was') FROM perf_optimizer.archive_policies p WHERE relation = '"Call"'::regclass;
SELECT ok(has_table_privilege('po_test_reader', '"Call"', 'SELECT') AND has_column_privilege('po_test_reader', '"Call"', 'note', 'UPDATE WITH GRANT OPTION') AND NOT has_table_privilege('po_test_reader', '"Call"', 'DELETE'), 'rights');
SELECT is(obj_description('"Call"'::regclass, 'pg_class'), 'it''s', 'the comment');
SET ROLE po_test_owner;
SELECT results_eq($$ INSERT INTO "Call" ("tenantId", "Made at") VALUES (6, '2024-07-11') RETURNING id, no, note, twice $$, $$ VALUES (10002::bigint, 10002, 'noted', 12) $$, 'identity and serial go on, the trigger fires');
DROP TABLE "Call_unpartitioned";
SELECT lives_ok($$ INSERT INTO "Call" ("tenantId", "Made at") VALUES (6, '2024-07-11') $$, 'and need the old table no more');
RESET ROLE;
SELECT is((SELECT array_length(partitions, 1) > 5 FROM perf_optimizer.preview_archive('old calls')), NULL, 'delete goes by rows');
SELECT throws_ok($$ SELECT * FROM perf_optimizer.suggest_partitioning('"Call"') $$, '42809', '"Call" is partitioned already', 'partitioned already');

-- What stands against it.
CREATE TABLE kept (id int PRIMARY KEY, at date NOT NULL);
INSERT INTO kept SELECT g, date '2020-01-01' + g FROM generate_series(1, 3000) g;
ANALYZE kept;
CREATE TABLE child (id int REFERENCES kept);
CREATE VIEW shown AS SELECT at FROM kept;
SELECT perf_optimizer.create_archive_policy('kept', 'at', '5 years', 'delete') AS policy_name \gset
SELECT ok(definition IS NULL AND reason LIKE '%stands against%"child_id_fkey" of "po Pa".child refers to it%view "po Pa".shown depends on it%', reason) FROM perf_optimizer.partitioning_advice('kept', 0);
DROP TABLE child;
DROP VIEW shown;
-- Without an index on the column its range is what ANALYZE saw, and a partition takes the rest.
INSERT INTO kept VALUES (0, '1999-12-31');
SELECT definition AS script FROM perf_optimizer.partitioning_advice('kept', 0) \gset
\o /dev/null
:script
\o
SELECT results_eq('SELECT count(*), min(at) FROM kept_rest', $$ VALUES (1::bigint, date '1999-12-31') $$, 'the row that ANALYZE did not see is in the partition for the rest');
SELECT is((SELECT count(*) FROM kept), 3001::bigint, 'and none is lost');

-- Unknown things.
CREATE TABLE plain (id int PRIMARY KEY, at timestamp);
CREATE TABLE timeless (id int);
INSERT INTO plain SELECT g, now() FROM generate_series(1, 10) g;
SELECT is(reason, 'No archive policy takes rows of it away, and no recorded statement reads it (pg_stat_statements): nothing is known that partitions would help.', 'nothing is known') FROM perf_optimizer.partitioning_advice('plain', 0);
SELECT is(reason, 'It has no column of a time type to divide it by.', 'no time') FROM perf_optimizer.partitioning_advice('timeless', 0);
SELECT perf_optimizer.create_archive_policy('plain', 'at', '1 year', 'delete', timezone => 'UTC') AS policy_name \gset
SELECT ok(reason LIKE '%are not known: ANALYZE "po Pa".plain;', reason) FROM perf_optimizer.partitioning_advice('plain', 0);
UPDATE plain SET at = NULL WHERE id = 1;
ANALYZE plain;
SELECT ok(reason LIKE '%it has NULLs.', reason) FROM perf_optimizer.partitioning_advice('plain', 0);

-- Several servers.
CREATE TABLE "Order" (id int PRIMARY KEY, "tenantId" int NOT NULL, at timestamptz);
INSERT INTO "Order" SELECT g, g % 200, now() FROM generate_series(1, 5000) g;
CREATE TABLE "Line" (id int, "tenantId" int NOT NULL, "orderId" int);
INSERT INTO "Line" SELECT g, g % 200, g FROM generate_series(1, 5000) g;
VACUUM ANALYZE "Order", "Line";
SELECT pg_stat_statements_reset() IS NULL AS reset \gset
SELECT is_empty($$ SELECT * FROM perf_optimizer.distribution_advice('"Order"', 0) $$, 'no statement, no advice');
\o /dev/null
SELECT count(*) FROM "Order" o JOIN "Line" l ON l."orderId" = o.id AND l."tenantId" = o."tenantId" WHERE o."tenantId" = 1;
SELECT count(*) FROM "Order" o LEFT JOIN "Line" l ON l."tenantId" = o."tenantId" AND l.id = o.id WHERE o."tenantId" = 1;
SELECT count(*) FROM "Order" WHERE "tenantId" = 2 AND at > now();
SELECT count(*) FROM "Order" WHERE id = 2;
SELECT (SELECT count(*) FROM "Line" l WHERE l.id = o.id) FROM "Order" o WHERE o."tenantId" = 8;
\o
SELECT results_eq($$ SELECT column_name, round(local_pct), round(joined_pct), statements, distinct_values FROM perf_optimizer.shard_columns('"Order"') LIMIT 1 $$, $$ VALUES ('tenantId'::name, 60::float8, 67::float8, 3::bigint, 200::float8) $$,
  'the column that keeps most on one server, sub-selects over another large table not');
SELECT results_eq($$ SELECT strategy, key_column, share_pct, definition, reason LIKE '%60 \% of the calls, 3 statements, stay on one shard%ADD CONSTRAINT "Order_pkey" PRIMARY KEY (id, "tenantId");%SELECT create_distributed_table(''"po Pa"."Order"'', ''tenantId'');' FROM perf_optimizer.distribution_advice('"Order"', 0) $$,
  $$ VALUES ('citus', 'tenantId'::name, 60::float8, NULL::text, true) $$, 'without Citus the statement is in the reason');
SELECT is_empty($$ SELECT * FROM perf_optimizer.suggest_partitioning('"Order"') WHERE strategy <> 'range' $$, 'a small table stays on one server');
-- Two servers, which are this one's other databases: the script runs as printed.
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION dblink SCHEMA public;
CREATE DATABASE po_test_shard0;
CREATE DATABASE po_test_shard1;
SELECT format('CREATE SERVER shard%s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', i, split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), 'po_test_shard' || i),
       format('CREATE USER MAPPING FOR CURRENT_USER SERVER shard%s OPTIONS (user %L)', i, current_user) FROM generate_series(0, 1) i \gexec
SELECT definition AS script, (regexp_match(definition, '-- On shard0 first: (CREATE TABLE .*?;)\n'))[1] AS first, (regexp_match(definition, '-- On shard1 first: (CREATE TABLE .*?;)\n'))[1] AS second
  FROM perf_optimizer.distribution_advice('"Order"', 0) WHERE strategy = 'postgres_fdw' \gset
SELECT is(dblink_exec(format('host=%s port=%s dbname=po_test_shard%s', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), i), 'CREATE SCHEMA "po Pa"; ' || q), 'CREATE TABLE', 'what must be there first can be made as printed')
  FROM (VALUES (0, :'first'), (1, :'second')) v(i, q);
\o /dev/null
:script
\o
SELECT results_eq('SELECT count(*), sum(id), count(DISTINCT tableoid) FROM "Order"', 'SELECT count(*), sum(id), 2::bigint FROM "Order_unpartitioned"', 'all rows are on two servers');

-- Errors.
CREATE VIEW v AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one;
CREATE TEMP TABLE gone (at timestamptz);
SELECT throws_ok(format('SELECT * FROM perf_optimizer.suggest_partitioning(%s)', a), c, m, m) FROM (VALUES ('NULL', '22004', 'argument "relation" must not be null'), ('4294967295', '42P01', 'relation with OID 4294967295 does not exist'),
  ('''v''', '42809', '"v" is a view'), ('''mv''', '42809', '"mv" is a materialized view'), ('''"Order_shard0"''', '42809', '"Order_shard0" is a foreign table'), ('''kept_rest''', '42809', '"kept_rest" is a partition'),
  ('''gone''', '42809', '"gone" is a temporary table'), ('''pg_class''', '42809', '"pg_class" belongs to the system'), ('''perf_optimizer.job''', '42809', '"job" belongs to the system'), ('''plain_pkey''', '42809', '"plain_pkey" is not a table')) v(a, c, m);
GRANT USAGE ON SCHEMA "po Pa" TO po_test_reader;
SET ROLE po_test_reader;
DO $$ BEGIN PERFORM perf_optimizer.suggest_partitioning('plain'); RAISE EXCEPTION 'no error'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
RESET ROLE;
-- Without pg_stat_statements, what else is known counts.
DROP EXTENSION pg_stat_statements;
ALTER TABLE plain DROP CONSTRAINT plain_pkey;
SELECT ok(definition IS NOT NULL AND share_pct IS NULL AND reason LIKE '%No recorded statement reads it.%', reason) FROM perf_optimizer.partitioning_advice('plain', 0);

-- How long partitions are to be.
SELECT results_eq($$ SELECT perf_optimizer.partition_step(span, bytes, keep) FROM (VALUES (1, interval '10 years', 1::bigint << 30, NULL::interval), (2, '10 years', 200::bigint << 30, NULL), (3, '1 year', 1::bigint << 30, NULL),
    (4, '1 year', 1::bigint << 30, '60 days'), (5, '100 years', 1::bigint << 30, NULL), (6, '2 days', 50::bigint << 30, NULL), (7, '0', 1, NULL)) v(i, span, bytes, keep) ORDER BY i $$,
  $$ VALUES (interval '1 year'), ('3 months'), ('1 month'), ('7 days'), ('1 year'), ('1 day'), ('1 day') $$, 'steps by span, size and retention');
SELECT is(perf_optimizer.name_with(repeat('ä', 31), '_rest'), repeat('ä', 29) || '_rest', 'names are cut to the length of names');

SELECT * FROM finish();
DROP SCHEMA "po Pa" CASCADE;
DROP DATABASE po_test_shard0;
DROP DATABASE po_test_shard1;
DROP OWNED BY po_test_reader, po_test_owner;
DROP ROLE po_test_reader, po_test_owner;
