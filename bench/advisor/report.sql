SELECT coalesce(budget::text, 'none') AS budget_mb, indexes, round(estimated_bytes / 1048576) AS estimated_mb, round(bytes / 1048576) AS real_mb,
  round((estimated_cost / 1e6)::numeric, 3) AS estimated_millions, round((cost / 1e6)::numeric, 3) AS real_millions,
  round((cost_without / 1e6)::numeric, 3) AS without_q2_q17_q20, round(geometric::numeric, 3) AS geometric_mean, cpu_ms
FROM bench.result ORDER BY budget;
