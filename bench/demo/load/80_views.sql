-- The two summary views with the indexes that teams write at first: useful for
-- reading, but not unique.
CREATE MATERIALIZED VIEW monthly_call_summary AS
SELECT date_trunc('month', "createdAt") AS month,
       "userId",
       count(*) AS call_count,
       sum("amountDue") AS total_amount,
       avg("amountDue") AS average_amount,
       count(*) FILTER (WHERE "status" = 'PAID') AS paid_count
FROM "CapitalCall"
GROUP BY date_trunc('month', "createdAt"), "userId";
CREATE INDEX ON monthly_call_summary (month);
CREATE INDEX ON monthly_call_summary ("userId");

CREATE MATERIALIZED VIEW fund_performance_summary AS
SELECT "fundName",
       "userId",
       count(*) AS call_count,
       sum("amountDue") AS total_amount,
       avg(extract(epoch FROM "paidAt" - "createdAt") / 86400) AS average_days_to_payment,
       avg(CASE WHEN "paidAt" <= "dueDate" THEN 1.0 ELSE 0.0 END) AS on_time_rate
FROM "CapitalCall"
GROUP BY "fundName", "userId";
CREATE INDEX ON fund_performance_summary ("fundName");
