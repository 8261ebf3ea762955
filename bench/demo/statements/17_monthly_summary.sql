-- An investor's last year from the summary view
-- weight: 60
\set user 1 + 4 * random(0, :investors - 1)
SELECT month, call_count, total_amount, paid_count FROM monthly_call_summary
WHERE "userId" = :user AND month >= :year_ago ORDER BY month;
