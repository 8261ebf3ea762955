-- Active agents of a city with a specialization
-- weight: 40
SELECT "id", "rating", "currentLeadCount" FROM "Agent"
WHERE "state" = :state AND "city" = :city AND "specializations" @> :specializations AND "isActive"
ORDER BY "rating" DESC LIMIT 5;
