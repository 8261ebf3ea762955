-- Payments of a month by day
-- weight: 6
SELECT date_trunc('day', "paidAt") AS day, count(*), sum("amount") FROM "Payment"
WHERE "paidAt" >= :month_ago AND "status" = 'SETTLED' GROUP BY 1 ORDER BY 1;
