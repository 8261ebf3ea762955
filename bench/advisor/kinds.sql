-- 50 tables, and 100 kinds of statement on each: 5000 statements for pg_stat_statements, in the table "statements".
CREATE SCHEMA kinds;
SET search_path = kinds;
SELECT format('CREATE TABLE "Table %s" (id int PRIMARY KEY, c1 int, c2 int, c3 int, c4 text, c5 text, c6 date, c7 timestamptz, c8 numeric, made timestamptz, note text)', t) FROM generate_series(1, 50) t \gexec
SELECT format('INSERT INTO "Table %s" SELECT i, i * 7919 %% %s, i %% 50, i * 31 %% 5000, ''s'' || i %% 6, ''v'' || i * 17 %% 3000, date ''2024-01-01'' + i %% 700, timestamptz ''2024-01-01 00:00+00'' + i %% 9000 * interval ''1 h'', i %% 1000 / 7.0, timestamptz ''2024-01-01 00:00+00'' + i * interval ''1 min'', repeat(''x'', 60) FROM generate_series(1, 10000) i',
  t, 100 + t * 50) FROM generate_series(1, 50) t \gexec
VACUUM ANALYZE;
CREATE TABLE statements AS
SELECT t * 100 + k AS n, format(CASE WHEN j = 0 THEN 'SELECT * FROM "Table %1$s" WHERE %2$s'
    WHEN j <= 8 THEN 'SELECT id, note FROM "Table %1$s" WHERE %2$s AND %3$s'
    WHEN j = 9 THEN 'SELECT * FROM "Table %1$s" WHERE %2$s ORDER BY made DESC LIMIT 10'
    WHEN j = 10 THEN 'SELECT c2, count(*), max(c8) FROM "Table %1$s" WHERE %2$s GROUP BY c2'
    WHEN j = 11 THEN 'SELECT a.*, b.note FROM "Table %1$s" a JOIN "Table %4$s" b ON b.c3 = a.id WHERE a.%2$s'
    ELSE 'UPDATE "Table %1$s" SET note = ''y'' WHERE %2$s AND id = 7' END,
    t, compared[i], CASE WHEN j = i THEN 'made > ''2024-01-07 00:00+00''' ELSE replace(compared[least(greatest(j, 1), 8)], ' = ', ' > ') END, 1 + t % 50) AS query
FROM generate_series(1, 50) t, generate_series(0, 99) k, LATERAL (SELECT 1 + k % 8 AS i, k / 8 AS j) s,
  (SELECT ARRAY['c1 = 7', 'c2 = 7', 'c3 = 7', 'c4 = ''s3''', 'c5 = ''v17''', 'c6 = ''2024-03-03''', 'c7 = ''2024-02-02 00:00+00''', 'c8 = 3'] AS compared) c;
