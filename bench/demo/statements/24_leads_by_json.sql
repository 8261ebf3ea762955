-- Leads of a campaign, by jsonb containment
-- weight: 20
SELECT "id", "status", "details" FROM "Lead" WHERE "details" @> :lead_filter;
