-- The latest events of one entity
-- weight: 20
\set entity random(1, :entities)
SELECT "id", "type", "source", "timestamp", "payload" FROM "Event"
WHERE "entityType" = :entity_type AND "entityId" = :entity ORDER BY "timestamp" DESC LIMIT 20;
