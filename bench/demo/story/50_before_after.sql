-- A statement is the same in both runs when its identifier is.
CREATE TEMP TABLE pair AS
SELECT b.calls, b.mean_time_ms AS before_ms, a.mean_time_ms AS after_ms, b.total_time_ms AS before_total,
       a.total_time_ms AS after_total, regexp_replace(b.query, '\s+', ' ', 'g') AS query
FROM demo.before b JOIN demo.after a USING (query_id)
WHERE b.query ~* '^(select|insert|update)' AND b.query !~ 'perf_optimizer|pg_stat_statements';

SELECT calls, round(before_ms::numeric, 3) AS before_ms, round(after_ms::numeric, 3) AS after_ms,
       round((before_ms / after_ms)::numeric, 1) AS times_faster, left(query, 76) AS statement
FROM pair ORDER BY before_total - after_total DESC;

SELECT count(*) AS statements, round(sum(before_total)::numeric) AS before_ms, round(sum(after_total)::numeric) AS after_ms,
       round((sum(before_total) / sum(after_total))::numeric, 1) AS times_faster
FROM pair;
