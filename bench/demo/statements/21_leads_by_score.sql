-- The best leads of one type
-- weight: 20
SELECT "id", "status", "qualityScore" FROM "Lead"
WHERE "insuranceType" = :lead_type AND "qualityScore" >= 95 ORDER BY "qualityScore" DESC LIMIT 50;
