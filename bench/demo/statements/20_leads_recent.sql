-- New leads, the latest first
-- weight: 30
SELECT "id", "insuranceType", "qualityScore", "createdAt" FROM "Lead"
WHERE "status" = :lead_status AND "createdAt" >= :week_ago ORDER BY "createdAt" DESC LIMIT 50;
