SELECT row_number() OVER () AS "#",
       calls,
       round(mean_time_ms::numeric, 1) AS mean_ms,
       round(time_share_pct::numeric, 1) AS share_pct,
       round(hit_ratio::numeric, 2) AS hit_ratio,
       array_to_string(findings, ', ') AS findings,
       left(regexp_replace(query, '\s+', ' ', 'g'), 62) AS query
FROM perf_optimizer.slow_queries(max_rows => 12);
