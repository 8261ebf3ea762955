-- Active agents with the least load
-- weight: 40
SELECT "id", "city", "currentLeadCount" FROM "Agent"
WHERE "isActive" AND "currentLeadCount" < 3 ORDER BY "currentLeadCount" LIMIT 10;
