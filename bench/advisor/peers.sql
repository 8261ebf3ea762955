-- The peers, and ours within the real size of theirs.
SELECT p.name AS peer, p.indexes, round(p.bytes / 1048576) AS real_mb, round((p.cost / 1e6)::numeric, 3) AS real_millions,
  round((p.cost_without / 1e6)::numeric, 3) AS without_q2_q17_q20, round(p.geometric::numeric, 3) AS geometric_mean,
  r.indexes AS ours, round(r.bytes / 1048576) AS our_mb, round((r.cost / 1e6)::numeric, 3) AS our_millions,
  round((r.cost_without / 1e6)::numeric, 3) AS our_without, round(r.geometric::numeric, 3) AS our_mean, round((p.cost / r.cost)::numeric, 2) AS ratio
FROM bench.peer p LEFT JOIN bench.result r ON r.budget = ceil(p.bytes / 1048576) ORDER BY p.name;
