-- 100 analytic statements that join 10 to 20 tables in chains and stars, with two conditions, groups and an order.
CREATE SCHEMA joins;
SET search_path = joins;
SELECT format('CREATE TABLE t%s (id int PRIMARY KEY, fk1 int, fk2 int, fk3 int, a int, b text, c date)', g) FROM generate_series(1, 20) g \gexec
SELECT format('INSERT INTO t%s SELECT i, i %% 997, i %% %s, i * 7 %% 1009, i %% %s, ''k'' || i %% %s, date ''2020-01-01'' + i %% 2000 FROM generate_series(1, %s) i',
  g, 100 + g * 37, 10 + g, 5 + g * 3, 2000 + g * 1500) FROM generate_series(1, 20) g \gexec
VACUUM ANALYZE;
CREATE TABLE given AS
SELECT array_agg(s ORDER BY g) AS queries FROM (
  SELECT g, 'SELECT t1.b, count(*), sum(t' || n || '.a) FROM t1 '
    || (SELECT string_agg(format('JOIN t%s ON t%s.%s = t%s.%s', i, i, CASE WHEN (i + g) % 3 = 0 THEN 'fk1' ELSE 'id' END, 1 + ((i * 7 + g) % (i - 1)), (ARRAY['fk1', 'fk2', 'fk3'])[1 + (i + g) % 3]),
        ' ' ORDER BY i) FROM generate_series(2, n) i)
    || format(' WHERE t%s.a = %s AND t%s.c BETWEEN ''2021-01-01'' AND ''2021-0%s-01'' AND t%s.b = ''k%s'' GROUP BY t1.b ORDER BY 2 DESC LIMIT 10',
        1 + g % n, g % 9, 1 + (g * 3) % n, 2 + g % 7, 1 + (g * 5) % n, g % 5) AS s
  FROM (SELECT g, 10 + g * 7 % 11 AS n FROM generate_series(1, 100) g) q) x;
