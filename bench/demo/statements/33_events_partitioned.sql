-- One entity's events of a month, partitioned
-- weight: 30
\set entity random(1, :entities)
SELECT "id", "type", "timestamp" FROM "EventPartitioned"
WHERE "entityType" = :entity_type AND "entityId" = :entity AND "timestamp" >= :month_ago ORDER BY "timestamp" DESC;
