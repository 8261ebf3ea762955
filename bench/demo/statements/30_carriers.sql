-- Carriers for a lead's state and type
-- weight: 30
SELECT "id", "name" FROM "Carrier" WHERE "state" = :state AND "insuranceType" = :lead_type AND "isActive";
