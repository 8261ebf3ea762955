-- The best funds from the summary view
-- weight: 10
SELECT "fundName", sum(total_amount) AS amount, avg(on_time_rate) AS on_time FROM fund_performance_summary
GROUP BY "fundName" ORDER BY amount DESC LIMIT 10;
