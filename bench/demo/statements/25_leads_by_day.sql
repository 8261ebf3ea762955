-- Leads of a month by day and type
-- weight: 10
SELECT date_trunc('day', "createdAt") AS day, "insuranceType", count(*), avg("qualityScore") FROM "Lead"
WHERE "createdAt" >= :month_ago GROUP BY 1, 2;
