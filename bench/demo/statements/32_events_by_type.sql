-- How many events of a type came from a source in a day
-- weight: 15
SELECT "source", count(*) FROM "Event" WHERE "type" = :event_type AND "timestamp" >= :day_ago GROUP BY "source";
