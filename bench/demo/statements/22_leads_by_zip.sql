-- Leads of a zip code and type
-- weight: 40
SELECT "id", "status", "qualityScore", "createdAt" FROM "Lead" WHERE "zipCode" = :zip AND "insuranceType" = :lead_type;
