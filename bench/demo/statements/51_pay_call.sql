-- A call is paid
-- weight: 20
\set call random(1, :calls)
\set amount random(500, 50000)
BEGIN;
UPDATE "CapitalCall" SET "status" = 'PAID', "paidAt" = CURRENT_TIMESTAMP, "updatedAt" = CURRENT_TIMESTAMP WHERE "id" = :call;
INSERT INTO "Payment" ("capitalCallId", "amount", "paidAt", "status") VALUES (:call, :amount, CURRENT_TIMESTAMP, 'SETTLED');
COMMIT;
