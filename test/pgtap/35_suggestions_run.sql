-- Every suggestion is carried out as printed, on a schema of odd cases: every family of types, names that need quotes, views,
-- partitions, domains, tables without indexes of their own.  The plan with the built index costs what was promised.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(6);

SET max_parallel_workers_per_gather = 0;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE EXTENSION file_fdw;
CREATE SCHEMA "My ""odd"".schema";
SET search_path = "My ""odd"".schema", public;
CREATE TYPE "Mood" AS ENUM ('calm', 'so-so', 'it''s', 'x y');
CREATE TYPE "Pair" AS ("Left" int, "r ight" text);
CREATE DOMAIN "E-mail" AS citext CHECK (VALUE <> '');
CREATE DOMAIN "Tags" AS text[];
CREATE DOMAIN "Doc" AS jsonb;
CREATE DOMAIN "Key" AS int;
CREATE DOMAIN "Inner" AS "Key" NOT NULL DEFAULT 1;
CREATE TABLE "Every ""Type""" ("Id" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int,
  "a.text" text, "a'varchar" varchar(40), "a""bpchar" char(16), "A citext" citext, a_name name, a_char "char", a_c text COLLATE "C",
  a_int2 int2, a_int4 int4, a_int8 int8, a_numeric numeric(12, 3), a_float4 real, a_float8 double precision, a_money money, a_bool boolean,
  a_date date, a_time time, a_timetz timetz, a_timestamp timestamp(3), a_timestamptz timestamptz, a_interval interval, a_uuid uuid,
  a_inet inet, a_cidr cidr, a_macaddr macaddr, a_macaddr8 macaddr8, a_bit bit(16), a_varbit varbit, a_bytea bytea, a_oid oid, a_lsn pg_lsn,
  a_enum "Mood", a_range int4range, a_tsrange tstzrange, a_multirange int4multirange, a_ints int[], a_texts text[], a_jsonb jsonb, a_json json, a_tsvector tsvector,
  a_point point, a_box box, a_circle circle, a_polygon polygon, a_pair "Pair", a_hstore hstore, a_ltree ltree, a_xid xid, a_xid8 xid8,
  d_mail "E-mail", d_tags "Tags", d_doc "Doc", d_key "Inner", "order" int, "Größe" int, "select" boolean, a_gen int GENERATED ALWAYS AS ("order" + 1) STORED, a_state text, a_deleted timestamptz, pad text);
INSERT INTO "Every ""Type""" ("a.text", "a'varchar", "a""bpchar", "A citext", a_name, a_char, a_c, a_int2, a_int4, a_int8, a_numeric, a_float4, a_float8, a_money, a_bool,
  a_date, a_time, a_timetz, a_timestamp, a_timestamptz, a_interval, a_uuid, a_inet, a_cidr, a_macaddr, a_macaddr8, a_bit, a_varbit, a_bytea, a_oid, a_lsn, a_enum, a_range, a_tsrange,
  a_multirange, a_ints, a_texts, a_jsonb, a_json, a_tsvector, a_point, a_box, a_circle, a_polygon, a_pair, a_hstore, a_ltree, a_xid, a_xid8, d_mail, d_tags, d_doc, d_key, "order", "Größe", "select", a_state, a_deleted, pad)
SELECT 't' || k || ' word' || i % 90, 'v' || k, 'c' || k, 'Case' || k, 'n' || k, chr(33 + k % 90)::"char", 'c' || k, k, k, k * 1000000007::int8, k / 7.0, k / 7.0, k / 7.0, k, k % 100 = 7,
  date '2000-01-01' + k, time '00:00' + k * interval '13 s', (time '00:00' + k * interval '13 s')::timetz, timestamp '2020-01-01' + k * interval '1 h', timestamptz '2020-01-01 00:00+00' + k * interval '1 h', k * interval '1 h',
  md5(k::text)::uuid, inet '10.0.0.0' + k, set_masklen((inet '10.0.0.0' + k * 256)::cidr, 24), lpad(to_hex(k), 12, '0')::macaddr, lpad(to_hex(k), 16, '0')::macaddr8, k::bit(16), k::bit(16)::varbit, decode(md5(k::text), 'hex'), k + 10, pg_lsn '0/0' + k,
  (ARRAY['calm', 'calm', 'calm', 'so-so', 'it''s', 'x y'])[1 + least(k % 300, 5)]::"Mood", int4range(k, k + 3), tstzrange(timestamptz '2020-01-01 00:00+00' + k * interval '1 h', timestamptz '2020-01-01 02:00+00' + k * interval '1 h'),
  int4multirange(int4range(k, k + 2), int4range(k + 5, k + 6)), ARRAY[k, k + 1], ARRAY['t' || k, 's' || k % 13], jsonb_build_object('k', k, 'Deep', jsonb_build_object('x y', k % 700)), json_build_object('k', k),
  to_tsvector('simple', 'term' || k), point(k, i), box(point(k, k), point(k + 2, k + 2)), circle(point(k, k), 2), polygon(box(point(k, k), point(k + 2, k + 2))), ROW(k, 'r' || k)::"Pair", hstore('k' || k % 500, k::text), ('top.a' || k % 50 || '.b' || k)::ltree,
  k::text::xid, k::text::xid8, 'Mail' || k || '@x', ARRAY['d' || k], jsonb_build_object('d', k), k, k, k, k % 200 = 5, (ARRAY['open', 'closed'])[1 + least(k % 50, 1)], CASE WHEN k % 40 > 0 THEN now() END, repeat('x', 40)
FROM (SELECT i, abs(hashint4(i)) % 3000 AS k FROM generate_series(1, 10000) i) s;
ALTER TABLE "Every ""Type""" DROP COLUMN gone;

CREATE SCHEMA "select";
CREATE TABLE "select"."Part ""it"".ioned" ("Id" int, "The Day" date, "Kind" text, "Who" int, pad text) PARTITION BY RANGE ("The Day");
CREATE TABLE "select"."Part 2024 'q1'" PARTITION OF "select"."Part ""it"".ioned" FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
CREATE TABLE "select"."Part 2024 Q2" (pad text, dropped int, "Who" int, "Kind" text, "Id" int, "The Day" date);
ALTER TABLE "select"."Part 2024 Q2" DROP COLUMN dropped;
ALTER TABLE "select"."Part ""it"".ioned" ATTACH PARTITION "select"."Part 2024 Q2" FOR VALUES FROM ('2024-04-01') TO ('2024-07-01');
CREATE TABLE "select"."Sub" PARTITION OF "select"."Part ""it"".ioned" FOR VALUES FROM ('2024-07-01') TO ('2025-01-01') PARTITION BY LIST ("Kind");
CREATE TABLE "select"."Sub a" PARTITION OF "select"."Sub" FOR VALUES IN ('a');
CREATE TABLE "select"."Sub rest" PARTITION OF "select"."Sub" DEFAULT;
INSERT INTO "select"."Part ""it"".ioned" SELECT i, date '2024-01-01' + i % 366, (ARRAY['a', 'b', 'c', 'c', 'c'])[1 + i % 5], abs(hashint4(i)) % 3000, repeat('x', 60) FROM generate_series(1, 10000) i WHERE i % 366 <> 366;
CREATE VIEW "My ""View""" AS SELECT "Who" AS "Some One", "The Day" AS d, "Kind" k FROM "select"."Part ""it"".ioned" WHERE "Kind" <> 'zz';
CREATE VIEW "View of view" WITH (security_barrier) AS SELECT "Some One" + 0 AS w, * FROM "My ""View""";
CREATE MATERIALIZED VIEW "Mat ""View""" AS SELECT i AS "N", i % 500 AS "M 5", repeat('p', 50) AS pad FROM generate_series(1, 10000) i;
CREATE TEMP TABLE "Temp Table" AS SELECT i AS "N", i % 500 AS m FROM generate_series(1, 10000) i;
CREATE UNLOGGED TABLE "Un logged" AS SELECT i AS "N", i % 500 AS m FROM generate_series(1, 10000) i;
CREATE TABLE "a_table_with_a_name_that_takes_all_of_the_sixty_three_bytes_ok_" AS SELECT i AS "a_column_with_a_name_that_takes_all_of_the_sixty_three_bytes_ok", i % 500 AS "another_column_with_a_name_that_takes_all_of_the_sixty_three_ok" FROM generate_series(1, 10000) i;
CREATE TABLE "new
line" AS SELECT i AS "tab	col", i % 500 AS "back\slash" FROM generate_series(1, 10000) i;
CREATE TABLE parent ("Id" int, "V" int, pad text); CREATE TABLE "Child ""x""" ("E" int) INHERITS (parent); INSERT INTO "Child ""x""" SELECT i, i % 3000, repeat('x', 50), i FROM generate_series(1, 10000) i; INSERT INTO parent SELECT i, i % 3000, repeat('x', 50) FROM generate_series(1, 10000) i;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE remote ("N" int, m int) SERVER files OPTIONS (program 'seq -f "%g,%g" 1 10', format 'csv');
CREATE TABLE mixed (a int, b int, pad text) PARTITION BY LIST (a);
CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES IN (1);
CREATE FOREIGN TABLE mixed_2 PARTITION OF mixed FOR VALUES IN (2) SERVER files OPTIONS (program 'true', format 'csv');
INSERT INTO mixed SELECT 1, i % 3000, repeat('x', 50) FROM generate_series(1, 10000) i;
CREATE TABLE wide AS SELECT i, i % 3000 AS k, CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5(i::text || g), '') FROM generate_series(1, 120) g) ELSE 'v' || i % 3000 END AS v, repeat('x', 50) pad, jsonb_build_object('n', CASE WHEN i % 1000 = 5 THEN 'none' ELSE i::text END) AS d, repeat('y', 9000 * (i % 4000 / 3999)) || 'v' || i % 3000 AS s FROM generate_series(1, 10000) i;
CREATE TABLE toasted AS SELECT i, (SELECT string_agg(md5(i::text || g), '') FROM generate_series(1, 30) g) AS v FROM generate_series(1, 3000) i;
CREATE TABLE docs AS SELECT i, CASE WHEN i % 1000 = 0 THEN array_fill(i, ARRAY[3000]) ELSE ARRAY[i % 3000] END AS a, jsonb_build_object('k', CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5(i::text || g), '') FROM generate_series(1, 120) g) ELSE (i % 3000)::text END) d FROM generate_series(1, 10000) i;
CREATE FUNCTION "my ""Func" (int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION plain_f (int, text DEFAULT 'x') RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 2; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = ===, RESTRICT = eqsel);
CREATE TABLE few AS SELECT i AS "N" FROM generate_series(1, 3) i;
CREATE TABLE secured AS SELECT i AS n, (i % 500)::text AS owner, repeat('x', 50) pad FROM generate_series(1, 10000) i; ALTER TABLE secured ENABLE ROW LEVEL SECURITY; ALTER TABLE secured FORCE ROW LEVEL SECURITY; CREATE POLICY p ON secured USING (owner = current_user);
CREATE TABLE ref (id int PRIMARY KEY, name text); INSERT INTO ref SELECT i, 'n' || i FROM generate_series(1, 5000) i;
CREATE TABLE owing (id int PRIMARY KEY, "refId" int REFERENCES ref ON DELETE CASCADE, pad text); INSERT INTO owing SELECT i, 1 + i % 5000, repeat('x', 50) FROM generate_series(1, 10000) i;
VACUUM ANALYZE;

CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, q text);
CREATE FUNCTION one_value(attname name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v text;
BEGIN
  EXECUTE format('SELECT %I::text FROM "Every ""Type""" WHERE "order" = 77 LIMIT 1', attname) INTO v;
  RETURN v;
END $$;
-- one condition on each column, with values that the column has
INSERT INTO cases (q) SELECT format('SELECT * FROM "Every ""Type""" WHERE %I = %L', attname, v)
FROM pg_attribute a, LATERAL one_value(attname) v
WHERE attrelid = '"Every ""Type"""'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('Id', 'pad', 'a_deleted', 'a_json', 'a_point', 'a_bool', 'select', 'a_tsvector', 'a_hstore', 'a_jsonb', 'a_polygon', 'd_doc', 'a_pair') ORDER BY attnum;
INSERT INTO cases (q) SELECT format('SELECT * FROM "Every ""Type""" WHERE %s', c) FROM unnest(ARRAY[
 '"a.text" LIKE ''t77 %''', '"a''varchar" LIKE ''v77%''', '"a""bpchar" LIKE ''c77%''', 'a_c LIKE ''c77%''', '"a.text" ILIKE ''%T77 w%''', '"A citext" LIKE ''Case77%''', '"a.text" ~ ''^t77 ''', '"a.text" ^@ ''t77 ''', 'a_name LIKE ''n77%''',
 'a_bool', 'NOT "select" IS FALSE', '"select"', 'a_deleted IS NULL', 'a_enum = ''x y''', 'a_enum IN (''it''''s'', ''x y'')', 'a_state = ''open''', 'a_state <> ''closed'' AND "order" > 2900',
 'a_int2 IN (5, 7)', 'a_int8 = ANY (''{5000000035,9}'')', 'a_int4 = 77.0', 'a_int2 = 77::bigint', 'a_float4 = 11::float4', 'a_float8 BETWEEN 5 AND 6', 'a_numeric > 428', 'a_money < ''$7.00''', 'a_date BETWEEN ''2000-03-01'' AND ''2000-03-05''', 'a_timestamp >= ''2020-05-04''::date', 'a_timestamptz > timestamptz ''2020-05-04 00:00+00''', 'a_timestamptz::date = ''2020-02-02''',
 'date_trunc(''day'', a_timestamp) = ''2020-02-02''', 'extract(year from a_date) = 2008', 'a_interval > ''2990 h''', 'a_uuid IN (md5(''5'')::uuid, md5(''6'')::uuid)', 'a_inet << ''10.0.5.0/26''', 'a_inet <<= ''10.0.5.0/26''', 'a_cidr >>= ''10.0.77.5''', 'a_inet && ''10.0.5.0/26''', 'a_range @> 77', 'a_range && ''[77,80)''', 'a_tsrange @> timestamptz ''2020-02-02 00:00+00''', 'a_multirange @> 77', 'a_range -|- ''[77,80)''', 'a_range << ''[7,8)''',
 'a_ints @> ''{77}''', 'a_ints && ''{77,99}''', 'a_texts @> ''{t77}''', '77 = ANY (a_ints)', 'a_texts <@ ''{t77,s12}''', 'a_ints[1] = 77', 'd_tags @> ''{d77}''', 'd_tags && ARRAY[''d77'']', 'd_doc @> ''{"d": 77}''', 'd_doc->>''d'' = ''77''', '(d_doc->''d'')::int = 77',
 'a_jsonb @> ''{"k": 77}''', 'a_jsonb ? ''z''', 'a_jsonb ?| ''{z,y}''', 'a_jsonb @? ''$.k ? (@ == 77)''', 'a_jsonb @@ ''$.k == 77''', 'a_jsonb #>> ''{Deep,x y}'' = ''77''', 'a_jsonb->''Deep''->>''x y'' = ''77''', '(a_jsonb->>''k'')::int = 77', 'a_json->>''k'' = ''77''', 'jsonb_path_exists(a_jsonb, ''$.z'')',
 'a_tsvector @@ ''term77''', 'a_tsvector @@ to_tsquery(''simple'', ''term7:*'')', 'to_tsvector(''english'', "a.text") @@ to_tsquery(''english'', ''t77'')', 'a_point <@ box ''((70,0),(71,20000))''', 'a_point ~= point ''(77,5)''', 'a_box && box ''((70,70),(71,71))''', 'a_box @> point ''(70,70)''', 'a_circle && circle ''<(5,5),1>''', 'a_polygon && polygon ''((1,1),(2,2),(1,2))''', 'a_hstore @> ''k7=>7''', 'a_hstore ? ''k7''', 'a_hstore->''k7'' = ''7''', 'a_ltree <@ ''top.a7''', 'a_ltree ~ ''*.b77''', 'a_ltree = ''top.a27.b77''', 'a_pair = ROW(77, ''r77'')::"Pair"', '(a_pair)."Left" = 77', 'a_xid = ''77''',
 'lower("a.text") = ''t77 word5''', 'lower("a.text") LIKE ''t77 %''', 'upper("a''varchar") = ''V77''', '"a''varchar" || a_c = ''v77c77''', 'length("a.text") = 4', '"order" + "Größe" = 154', 'coalesce("order", 0) = 77', '"order" % 1000 = 77', 'CASE WHEN "select" THEN "order" END = 205', 'd_mail = ''mail77@X''', 'd_key BETWEEN 5 AND 6', 'd_key = 5 AND "order" < 100', '"a.text" COLLATE "C" = ''t77 word5''', '"a.text" COLLATE "C" > ''t9999 word5''', '"order" = 5 OR "Größe" = 7', '("order", "Größe") = (5, 5)', '("order", "Größe") IN ((5, 5), (7, 7))', '("order", "Größe") > (2990, 5)', '"order" = (SELECT max("order") FROM "Every ""Type""")', '"Größe" IN (SELECT "order" FROM "Every ""Type""" WHERE a_gen = 78)', '"order" IS NOT DISTINCT FROM 77', 'NOT EXISTS (SELECT FROM "Every ""Type""" o WHERE o."order" = "Every ""Type"""."Größe" + 1)', 'ctid = ''(0,1)''', 'tableoid = 5', 'xmin = ''5''']) c;
INSERT INTO cases (q) SELECT q FROM unnest(ARRAY[
 'SELECT * FROM "Every ""Type""" ORDER BY a_point <-> ''(5,5)'' LIMIT 5', 'SELECT * FROM "Every ""Type""" ORDER BY "a.text" <-> ''t77 word'' LIMIT 5', 'SELECT * FROM "Every ""Type""" ORDER BY "Größe" DESC NULLS LAST, "a.text" COLLATE "C" LIMIT 5', 'SELECT * FROM "Every ""Type""" ORDER BY lower("a''varchar") DESC LIMIT 5', 'SELECT DISTINCT a_enum FROM "Every ""Type"""', 'SELECT max(a_timestamptz), min("a.text") FROM "Every ""Type"""', 'SELECT "A citext", count(*) FROM "Every ""Type""" GROUP BY 1 ORDER BY 1 LIMIT 3',
 'SELECT DISTINCT ON ("Größe") * FROM "Every ""Type""" ORDER BY "Größe", a_int8 DESC LIMIT 9', 'SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY "Größe" ORDER BY "Id") r FROM "Every ""Type""") s WHERE r = 1 AND "Größe" = 7', 'SELECT a."Id" FROM "Every ""Type""" a JOIN "Every ""Type""" b ON a.a_range && b.a_range WHERE b.a_uuid = md5(''5'')::uuid', 'SELECT a.pad FROM "Every ""Type""" a JOIN "Every ""Type""" b ON a.a_uuid = b.a_uuid AND a.a_int4 = b.a_int8 WHERE b."order" = 7', 'SELECT a.pad FROM "Every ""Type""" a JOIN "Every ""Type""" b ON lower(a."A citext"::text) = b.a_c WHERE b."order" = 7', 'SELECT a.pad FROM "Every ""Type""" a, LATERAL (SELECT * FROM "Every ""Type""" c WHERE c."order" = a."Größe" ORDER BY c.a_date DESC LIMIT 1) b WHERE a.a_int2 = 7',
 'UPDATE "Every ""Type""" SET pad = '''' WHERE a_uuid = md5(''5'')::uuid', 'DELETE FROM "Every ""Type""" WHERE "a""bpchar" = ''c77''', 'MERGE INTO "Every ""Type""" t USING (VALUES (77)) v(k) ON t."order" = v.k WHEN MATCHED THEN UPDATE SET pad = ''''']) q;
INSERT INTO cases (q) SELECT q FROM unnest(ARRAY[
'SELECT * FROM "select"."Part ""it"".ioned" WHERE "Who" = 7', 'SELECT * FROM ONLY "select"."Part ""it"".ioned" WHERE "Who" = 7', 'SELECT * FROM wide WHERE (d->>''n'')::int = 77', 'SELECT * FROM wide WHERE lower(s) = ''v7''', 'SELECT * FROM "select"."Part 2024 Q2" WHERE "Who" = 7', 'SELECT * FROM "select"."Sub" WHERE "Who" = 7', 'SELECT * FROM "select"."Sub rest" WHERE "Who" BETWEEN 7 AND 9 AND "Kind" = ''b''',
'SELECT * FROM "My ""View""" WHERE "Some One" = 7 ORDER BY d DESC', 'SELECT * FROM "View of view" WHERE w = 7', 'SELECT * FROM "Mat ""View""" WHERE "M 5" = 7', 'SELECT * FROM "Temp Table" WHERE m = 7', 'SELECT * FROM "Un logged" WHERE m = 7',
'SELECT * FROM "a_table_with_a_name_that_takes_all_of_the_sixty_three_bytes_ok_" WHERE "another_column_with_a_name_that_takes_all_of_the_sixty_three_ok" = 7', 'SELECT * FROM "new
line" WHERE "back\slash" = 7', 'SELECT * FROM "new
line" WHERE "tab	col" + 1 = 7', 'SELECT * FROM parent WHERE "V" = 7', 'SELECT * FROM ONLY parent WHERE "V" = 7', 'SELECT * FROM "Child ""x""" WHERE "E" = 7', 'SELECT * FROM remote WHERE "N" = 7', 'SELECT * FROM mixed WHERE b = 7', 'SELECT * FROM wide WHERE v = ''v7''', 'SELECT * FROM wide WHERE v > ''v9999''', 'SELECT * FROM wide WHERE k = 7 AND v = ''v7''', 'SELECT v FROM wide WHERE k = 7', 'SELECT * FROM toasted WHERE v LIKE ''77%''', 'SELECT * FROM toasted WHERE v = ''77''', 'SELECT * FROM docs WHERE a = ''{77}''', 'SELECT * FROM docs WHERE d->>''k'' = ''77''', 'SELECT * FROM docs WHERE a @> ''{77}''', 'SELECT * FROM wide WHERE lower(v) = ''v7''',
'SELECT * FROM wide WHERE "my ""Func"(k) = 14', 'SELECT * FROM wide WHERE plain_f(k) = 14', 'SELECT * FROM wide WHERE k === 7', 'SELECT * FROM few WHERE "N" = 1', 'SELECT * FROM pg_class WHERE relpages > 5', 'SELECT * FROM pg_depend WHERE deptype = ''n''', 'SELECT * FROM information_schema.columns WHERE column_name = ''x''', 'SELECT * FROM secured WHERE n = 7', 'SELECT * FROM secured', 'SELECT r.*, o.pad FROM ref r JOIN owing o ON o."refId" = r.id WHERE r.id = 7', 'DELETE FROM ref WHERE id = 7', 'DELETE FROM ref WHERE name = ''n7''', 'SELECT * FROM pg_toast.pg_toast_1255', 'SELECT * FROM perf_optimizer.jobs WHERE name = ''x''', 'WITH w AS MATERIALIZED (SELECT * FROM wide WHERE k = 5) SELECT * FROM w WHERE i = 5', 'WITH d AS (DELETE FROM wide WHERE k = 5 RETURNING *) SELECT * FROM d', 'SELECT * FROM wide TABLESAMPLE system (10) WHERE k = 5', 'SELECT * FROM wide WHERE k = 5 FOR UPDATE', 'WITH RECURSIVE r AS (SELECT * FROM wide WHERE i = 7 UNION ALL SELECT w.* FROM r JOIN wide w ON w.k = r.i) SELECT * FROM r LIMIT 10',
'SELECT k FROM wide WHERE i = 5 UNION SELECT n FROM secured WHERE n = 6 EXCEPT SELECT "Who" FROM "select"."Part ""it"".ioned" WHERE "Id" = 5', 'SELECT (SELECT max(i) FROM wide w WHERE w.k = f."N") FROM few f', 'INSERT INTO few SELECT k FROM wide WHERE i = 5', 'UPDATE "My ""View""" SET k = ''q'' WHERE "Some One" = 7', 'SELECT * FROM wide WHERE (k, i) = ANY (SELECT a[1], i FROM docs WHERE i < 5)', 'SELECT * FROM wide w JOIN LATERAL unnest(ARRAY[w.k]) u ON u = 5', 'SELECT * FROM ROWS FROM (generate_series(1, 5), generate_series(1, 6)) g (a, b) JOIN wide ON wide.k = g.a', 'SELECT * FROM wide WHERE i IN (SELECT i FROM docs WHERE a[1] = 5) OR k = 7']) q;

CREATE FUNCTION cost(q text) RETURNS float8 LANGUAGE sql AS $$ SELECT cost_before FROM perf_optimizer.what_if(q) $$;
CREATE TABLE promised (n int, rank int, relation regclass, definition text, before float8, after float8);
INSERT INTO promised SELECT n, s.rank, s.relation, s.definition, s.workload_cost_before, s.workload_cost_after
FROM cases, perf_optimizer.suggest_indexes(queries => ARRAY[q]) s;
CREATE TABLE existing AS SELECT indexrelid FROM pg_index;
CREATE FUNCTION made() RETURNS TABLE (index oid, valid boolean) LANGUAGE sql AS $$
  SELECT indexrelid, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid
  WHERE indexrelid NOT IN (SELECT indexrelid FROM existing) AND NOT relispartition AND relnamespace <> 'pg_toast'::regnamespace $$;
CREATE FUNCTION drop_made() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  i oid;
BEGIN
  FOR i IN SELECT index FROM made() LOOP
    EXECUTE format('DROP INDEX %s', i::regclass);
  END LOOP;
END $$;
CREATE TABLE measured (n int, cost float8, used text[], made int, invalid int);

-- Of each case: the statements as they stand, each by itself; statistics of expressions; what came of it; back to before.
SELECT s FROM (
  SELECT n, 1 AS step, rank, definition AS s FROM promised
  UNION ALL
  SELECT DISTINCT n, 2, 0, format('ANALYZE %s', relation) FROM promised WHERE definition ~ 'USING btree \(.*\('
  UNION ALL
  SELECT DISTINCT n, 3, 0, format('INSERT INTO measured SELECT n, cost(q), (SELECT array_agg(index_name) FROM perf_optimizer.plan_nodes(q) WHERE index_name IS NOT NULL),
    (SELECT count(*) FROM made()), (SELECT count(*) FROM made() WHERE NOT valid) FROM cases WHERE n = %s', n) FROM promised
  UNION ALL
  SELECT DISTINCT n, 4, 0, 'SELECT drop_made()' FROM promised) x ORDER BY n, step, rank
\o /dev/null
\gexec
\o
CREATE VIEW outcome AS SELECT n, q, cost, used, made, invalid, p.* FROM cases JOIN measured USING (n),
  LATERAL (SELECT count(*) AS promised, min(after) AS after, max(before) AS before, string_agg(definition, '; ') AS definitions FROM promised WHERE promised.n = cases.n) p;

SELECT is((SELECT count(*) FROM outcome), (SELECT count(DISTINCT n) FROM promised), 'every statement with a suggestion was tried');
SELECT cmp_ok((SELECT count(*) FROM outcome), '>', 180::bigint, 'and they are most');
SELECT is_empty('SELECT q, definitions FROM outcome WHERE made <> promised OR invalid > 0', 'every suggestion runs as printed and leaves a valid index');
SELECT is_empty('SELECT q, definitions FROM outcome WHERE used IS NULL', 'which the statement''s plan uses');
SELECT is_empty('SELECT q, definitions, before, after, cost FROM outcome WHERE cost > 2 * after + 10 OR cost > before * 0.95', 'at about the cost that was promised');

-- What has no suggestion: no index can help, or it could not be built (values too long for a B-tree, or an expression that fails
-- for some row), or could not be named in a statement.
SELECT set_eq($$SELECT replace(q, 'SELECT * FROM "Every ""Type""" WHERE ', '') FROM cases WHERE n NOT IN (SELECT n FROM promised)$$, ARRAY[
    'a_enum = ''x y''',
    'a_box = ''(79,79),(77,77)''',
    'a_circle = ''<(77,77),2>''',
    'a_state = ''closed''',
    '"A citext" LIKE ''Case77%''',
    'a_name LIKE ''n77%''',
    'NOT "select" IS FALSE',
    'a_enum IN (''it''''s'', ''x y'')',
    'a_int4 = 77.0',
    'a_timestamptz::date = ''2020-02-02''',
    '77 = ANY (a_ints)',
    'jsonb_path_exists(a_jsonb, ''$.z'')',
    'a_box @> point ''(70,70)''',
    '"a.text" COLLATE "C" = ''t77 word5''',
    '"a.text" COLLATE "C" > ''t9999 word5''',
    '"order" IS NOT DISTINCT FROM 77',
    'ctid = ''(0,1)''',
    'tableoid = 5',
    'xmin = ''5''',
    'SELECT * FROM ONLY "select"."Part ""it"".ioned" WHERE "Who" = 7',
    'SELECT * FROM wide WHERE (d->>''n'')::int = 77',
    'SELECT * FROM remote WHERE "N" = 7',
    'SELECT * FROM wide WHERE v > ''v9999''',
    'SELECT * FROM docs WHERE d->>''k'' = ''77''',
    'SELECT * FROM wide WHERE lower(v) = ''v7''',
    'SELECT * FROM wide WHERE plain_f(k) = 14',
    'SELECT * FROM wide WHERE k === 7',
    'SELECT * FROM few WHERE "N" = 1',
    'SELECT * FROM pg_class WHERE relpages > 5',
    'SELECT * FROM pg_depend WHERE deptype = ''n''',
    'SELECT * FROM information_schema.columns WHERE column_name = ''x''',
    'SELECT * FROM secured',
    'SELECT * FROM pg_toast.pg_toast_1255',
    'SELECT * FROM perf_optimizer.jobs WHERE name = ''x''',
    'SELECT * FROM wide TABLESAMPLE system (10) WHERE k = 5',
    'SELECT * FROM wide w JOIN LATERAL unnest(ARRAY[w.k]) u ON u = 5'], 'nothing is suggested where nothing helps');
SELECT * FROM finish();
