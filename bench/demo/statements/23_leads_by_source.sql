-- How many leads of a source are still new
-- weight: 20
SELECT count(*) FROM "Lead" WHERE "source" = :lead_source AND "status" = :lead_status;
