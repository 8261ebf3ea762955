-- The dashboard of the last month over all investors
-- weight: 8
SELECT "fundName", count(*) AS total,
       count(*) FILTER (WHERE "status" = 'PENDING') AS pending,
       count(*) FILTER (WHERE "status" = 'APPROVED') AS approved,
       sum("amountDue") AS amount
FROM "CapitalCall" WHERE "createdAt" >= :month_ago GROUP BY "fundName";
