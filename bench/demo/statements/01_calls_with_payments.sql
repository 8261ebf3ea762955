-- An investor's calls by status, fund and due date, each with its payments
-- weight: 10
\set user 37 + 60 * random(0, :holders - 1)
SELECT c."id", c."fundName", c."amountDue", c."dueDate", c."status",
       (SELECT json_agg(json_build_object('id', p."id", 'amount', p."amount", 'paidAt', p."paidAt"))
        FROM "Payment" p WHERE p."capitalCallId" = c."id") AS payments
FROM "CapitalCall" c
WHERE c."userId" = :user AND c."status" = :paid AND c."fundName" = :fund AND c."dueDate" BETWEEN :year_ago AND :today
ORDER BY c."dueDate" DESC LIMIT 20 OFFSET 0;
