-- An event
-- weight: 60
\set entity random(1, :entities)
INSERT INTO "Event" ("entityType", "entityId", "type", "source", "payload") VALUES (:entity_type, :entity, :event_type, 'api', '{"ms": 12}');
