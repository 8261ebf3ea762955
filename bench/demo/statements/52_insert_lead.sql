-- A new lead
-- weight: 20
\set score random(1, 100)
INSERT INTO "Lead" ("status", "insuranceType", "qualityScore", "zipCode", "source", "details")
VALUES ('NEW', :lead_type, :score, :zip, :lead_source, :lead_filter);
