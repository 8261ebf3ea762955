-- An investor's latest payments
-- weight: 8
\set user 1 + 4 * random(0, :investors - 1)
SELECT p."id", p."amount", p."paidAt", c."fundName" FROM "Payment" p JOIN "CapitalCall" c ON c."id" = p."capitalCallId"
WHERE c."userId" = :user ORDER BY p."paidAt" DESC LIMIT 20;
