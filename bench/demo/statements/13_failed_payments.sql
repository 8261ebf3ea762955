-- Payments that failed lately
-- weight: 8
SELECT "id", "capitalCallId", "amount", "paidAt" FROM "Payment"
WHERE "status" = :failed AND "paidAt" >= :week_ago ORDER BY "paidAt" DESC LIMIT 50;
