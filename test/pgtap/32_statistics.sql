-- suggest_statistics: kinds, quiet cases, that every definition runs and cures the real table's estimate, errors, privileges, hostile functions.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(47);
CREATE SCHEMA "po Test";
SET search_path = "po Test", public;

CREATE TABLE "Addr" (id int PRIMARY KEY, "City" int, zip int, state text, free int, email text, kind text);
INSERT INTO "Addr" SELECT g, g % 500, (g % 500) * 3, 'S' || (g % 500) / 10, abs(hashint4(g)) % 400, 'User' || g % 2000 || '@x', CASE WHEN g % 3 = 0 THEN 'a' ELSE 'b' || g % 7 END FROM generate_series(1, 40000) g;
VACUUM ANALYZE "Addr";
-- What is suggested for queries, and how far the planner is off then on the table itself.
CREATE FUNCTION advice(VARIADIC q text[]) RETURNS SETOF perf_optimizer.statistics_suggestion LANGUAGE sql AS $$ SELECT * FROM perf_optimizer.suggest_statistics(queries => q) $$;
CREATE FUNCTION defs(VARIADIC q text[]) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(definition, '; ') FROM perf_optimizer.suggest_statistics(queries => q) $$;
CREATE FUNCTION expected(q text) RETURNS float8 LANGUAGE sql AS $$ SELECT plan_rows FROM perf_optimizer.plan_nodes(q) WHERE parent_id IS NULL $$;

-- Conditions that depend on each other.
SELECT is(defs('select * from "Addr" where "City" = 5 and zip = 15'), 'CREATE STATISTICS "po Test"."Addr_City_zip_stat" (dependencies) ON "City", zip FROM "po Test"."Addr"', 'two equal conditions');
SELECT ok(misestimate_before > 20 AND misestimate_after < 2, 'before and after') FROM advice('select * from "Addr" where "City" = 5 and zip = 15');
SELECT matches(reason, 'the planner expects the condition .* to give 1, it gives [0-9]+; with the statistics the planner expects', 'the reason has the numbers') FROM advice('select * from "Addr" where "City" = 5 and zip = 15');
SELECT matches(defs('select * from "Addr" where "City" = $1 and zip = $2'), 'dependencies.*"City", zip', 'unknown parameters borrow the values of rows');
-- Few enough pairs for a list of all of them.
CREATE TABLE band (a int, b int);
INSERT INTO band SELECT g % 80, g % 80 * 3 FROM generate_series(1, 20000) g;
ANALYZE band;
SELECT matches(defs('select * from band where a between 10 and 13 and b between 30 and 39'), 'mcv.*a, b', 'ranges need lists of common values');
SELECT matches(defs('select a.id from "Addr" a join "Addr" b on a.id = b.id and a."City" = 7 where a.zip = 21'), '"City", zip', 'conditions of a join');
SELECT is(defs('select * from (select * from "Addr" where state = ''S3'') q where q."City" = 33'), NULL, 'conditions of different levels are not one');
SELECT matches(defs('update "Addr" set free = 1 where "City" = 5 and zip = 15'), 'dependencies', 'an UPDATE');
-- Groups.
SELECT matches(defs('select "City", zip, state, count(*) from "Addr" group by 1, 2, 3'), 'ndistinct.*"City", zip, state', 'a grouping');
-- Expressions.
SELECT matches(defs('select * from "Addr" where lower(email) = ''user7@x'''), 'CREATE STATISTICS "po Test"."Addr_expr_stat" ON \(lower\(email\)\)', 'an expression');
SELECT matches(defs('select * from "Addr" where "City" % 10 = 3 and zip % 10 = 9'), '\("City" % 10\), \(zip % 10\)|\(\("City" % 10\)\), \(\(zip % 10\)\)', 'expressions that depend on each other');
-- Statistics that are old.
CREATE TABLE old (a int);
INSERT INTO old SELECT g FROM generate_series(1, 1000) g;
ANALYZE old;
UPDATE old SET a = 5;
INSERT INTO old SELECT 5 FROM generate_series(1, 9000);
SELECT is(defs('select * from old where a = 5'), 'ANALYZE "po Test".old', 'old statistics: ANALYZE');
-- A column with more common values than are kept.
CREATE TABLE skew (v int);
INSERT INTO skew SELECT CASE WHEN g % 2 = 0 THEN g % 300 * 2 ELSE 1000 + g END FROM generate_series(1, 30000) g;
ANALYZE skew;
SELECT is(defs('select * from skew where v = 2', 'select * from skew where v = 1199', 'select * from skew where v = 590'), d, 'a higher target, if that is what lacks') FROM (SELECT NULLIF(defs('select * from skew where v = 2', 'select * from skew where v = 1199', 'select * from skew where v = 590'), '') AS d) x
WHERE d IS NULL OR d = 'ALTER TABLE "po Test".skew ALTER COLUMN v SET STATISTICS 1000';
-- What is right needs nothing.
SELECT is(defs(q), NULL, what) FROM (VALUES
    ('select * from "Addr" where "City" = 5 and free = 7', 'independent columns'),
    ('select * from "Addr" where id = 7', 'a key'),
    ('select * from "Addr"', 'no condition'),
    ('select * from "Addr" where "City" = 5 and random() < 0.5', 'a volatile condition'),
    ('select free, kind, count(*) from "Addr" group by 1, 2', 'an independent grouping'),
    ('select * from pg_class where relname = ''x'' and relkind = ''r''', 'a catalog'),
    ('select 1', 'no table')) v(q, what);

-- Each definition runs, and then the planner is right about the table itself.
CREATE TABLE found AS SELECT * FROM advice('select * from "Addr" where "City" = 5 and zip = 15 and state = ''S0''', 'select "City", zip, count(*) from "Addr" group by 1, 2', 'select * from "Addr" where lower(email) = ''user7@x''');
SELECT is((SELECT count(*)::int FROM found), 3, 'three suggestions');
DO $$ DECLARE s text; BEGIN FOR s IN SELECT definition FROM found LOOP EXECUTE s; END LOOP; END $$;
ANALYZE "Addr";
SELECT ok(abs(expected('select * from "Addr" where "City" = 5 and zip = 15 and state = ''S0''') - 80) < 30, 'the planner is right then');
SELECT ok(abs(expected('select "City", zip, count(*) from "Addr" group by 1, 2') - 500) < 100, 'about groups as well');
SELECT is(defs('select * from "Addr" where "City" = 5 and zip = 15 and state = ''S0''', 'select * from "Addr" where lower(email) = ''user7@x'''), NULL, 'and nothing more is suggested');
SELECT is((SELECT count(*)::int FROM pg_class WHERE relname LIKE 'perf_optimizer_sample%'), 0, 'no copy stays behind');

-- Partitioned tables: conditions are judged by each partition's statistics, groups by the whole's.
CREATE TABLE part (id int, a int, b int, t text) PARTITION BY RANGE (id);
CREATE TABLE "Part 1" PARTITION OF part FOR VALUES FROM (0) TO (20000);
CREATE TABLE part2 (t text, gone int, b int, a int, id int);
ALTER TABLE part2 DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part2 FOR VALUES FROM (20000) TO (40000);
CREATE TABLE part3 PARTITION OF part FOR VALUES FROM (40000) TO (60000) PARTITION BY RANGE (id);
INSERT INTO part SELECT g, g % 500, (g % 500) * 3, 'T' || g % 500 FROM generate_series(0, 39999) g;
ANALYZE part;
SELECT is(defs('select * from part where a = 5 and b = 15'), 'CREATE STATISTICS "po Test"."Part 1_a_b_stat" (dependencies) ON a, b FROM "po Test"."Part 1"; CREATE STATISTICS "po Test".part2_a_b_stat (dependencies) ON a, b FROM "po Test".part2', 'conditions: each partition with rows of its own');
SELECT matches(reason, 'one to come needs its own. Autovacuum does not analyze partitioned tables: run ANALYZE "po Test".part after', 'and what partitions need is said') FROM advice('select * from part where a = 5 and b = 15');
SELECT is(defs('select a, b, count(*) from part group by 1, 2'), 'CREATE STATISTICS "po Test".part_a_b_stat (ndistinct) ON a, b FROM "po Test".part', 'groups: the partitioned table');
SELECT is(defs('select * from part2 where a = 5 and b = 15'), 'CREATE STATISTICS "po Test".part2_a_b_stat (dependencies) ON a, b FROM "po Test".part2', 'one partition, as it is read itself');
SELECT is(defs('select * from only part where a = 5 and b = 15'), NULL, 'no rows, no statistics');
CREATE TABLE found_part AS SELECT * FROM advice('select * from part where a = 5 and b = 15', 'select a, b, count(*) from part group by 1, 2');
SELECT is((SELECT count(*)::int FROM found_part WHERE relation = 'part'::regclass AND misestimate_before > 5 AND misestimate_after < 2), 2, 'both are of the table that was asked for');
DO $$ DECLARE s text; BEGIN FOR s IN SELECT definition FROM found_part LOOP EXECUTE s; END LOOP; END $$;
ANALYZE part;
SELECT ok(abs(expected('select * from part where a = 5 and b = 15') - 80) < 30, 'the planner is right about conditions then');
SELECT ok(abs(expected('select a, b, count(*) from part group by 1, 2') - 500) < 100, 'and about groups');
SELECT is(defs('select * from part where a = 5 and b = 15', 'select a, b, count(*) from part group by 1, 2'), NULL, 'and nothing more is suggested');
-- Rows are read of all partitions, each by its own order of columns.
SELECT matches(defs('select * from part where t = ''T5'' and a = 5'), 'part2_a_t_stat" \(dependencies\) ON a, t|part2_t_a_stat \(dependencies\) ON t, a|part2_a_t_stat \(dependencies\) ON a, t', 'columns in another order');

-- Errors, the relation, privileges.
SELECT is((SELECT count(*)::int FROM perf_optimizer.suggest_statistics('old', ARRAY['select * from "Addr" where "City" = 5 and free = 15'])), 0, 'only of this table');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_statistics('"Addr_pkey"')$$, '42809', NULL, 'an index has no rows');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_statistics(queries => '{}')$$, '22023', NULL, 'no queries');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_statistics(queries => ARRAY[NULL])$$, '22004', NULL, 'a null query');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_statistics(queries => ARRAY['select * from nowhere'])$$, '42P01', NULL, 'nothing that can be planned');

-- A function of another role's, in a statement that pg_stat_statements recorded, is never run as the caller.
CREATE ROLE po_test_hostile;
GRANT USAGE, CREATE ON SCHEMA "po Test" TO po_test_hostile;
SELECT pg_stat_statements_reset() \g /dev/null
SET ROLE po_test_hostile;
CREATE TABLE trap (a int, b int);
INSERT INTO trap SELECT g % 100, g % 100 FROM generate_series(1, 5000) g;
CREATE TABLE caught (who text);
CREATE FUNCTION evil(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_user <> 'po_test_hostile' THEN RAISE EXCEPTION 'run as %', current_user USING ERRCODE = '57014'; END IF; RETURN $1; END $$;
ANALYZE trap;
CREATE INDEX trap_evil ON trap (a) WHERE evil(1) = 1;
SELECT count(*) FROM trap WHERE evil(a) = evil(3) AND b = evil(3) \g /dev/null
SELECT count(*) FROM trap WHERE a = 3 AND b = 3 \g /dev/null
RESET ROLE;
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_statistics('trap')$$, 'a hostile function runs as its own role, or not at all');
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_indexes('trap')$$, 'nor by suggest_indexes');
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_matviews()$$, 'nor by suggest_matviews');
SELECT lives_ok($$SELECT perf_optimizer.index_expected_bytes('trap_evil')$$, 'nor by index_expected_bytes');
SELECT ok(EXISTS (SELECT FROM perf_optimizer.suggest_statistics('trap') WHERE definition LIKE '%dependencies%ON a, b%'), 'its plain conditions count');
-- An error that somebody catches leaves no subtransaction of ours open: what the session does then is committed.
CREATE ROLE po_test_no_temp;
GRANT USAGE ON SCHEMA "po Test" TO po_test_no_temp;
GRANT SELECT ON "Addr" TO po_test_no_temp;
SELECT format('REVOKE TEMP ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SET ROLE po_test_no_temp;
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_statistics(queries => ARRAY['select * from "Addr" where "City" = 5 and zip = 15'])$$, '42501', NULL, 'no temporary tables, no advice');
RESET ROLE;
SELECT pg_current_xact_id() AS first \gset
SELECT isnt(pg_current_xact_id(), :'first', 'the error is over with its statement');
DROP SCHEMA "po Test" CASCADE;
DROP OWNED BY po_test_no_temp;
DROP ROLE po_test_no_temp;
DROP OWNED BY po_test_hostile;
DROP ROLE po_test_hostile;
SELECT * FROM finish();
