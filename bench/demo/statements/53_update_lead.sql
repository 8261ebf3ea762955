-- A lead moves on
-- weight: 20
\set lead random(1, :leads)
UPDATE "Lead" SET "status" = 'CONTACTED' WHERE "id" = :lead;
