-- One payment for a paid call, two for every seventh; now and then a failed try.
INSERT INTO "Payment" ("id", "capitalCallId", "amount", "paidAt", "status")
SELECT row_number() OVER (), c."id",
       CASE WHEN c."id" % 7 = 0 THEN round(c."amountDue" / 2, 2) ELSE c."amountDue" END,
       coalesce(c."paidAt", c."dueDate"),
       CASE WHEN c."status" <> 'PAID' THEN 'FAILED' WHEN demo.fraction(c."id", 21) < 0.01 THEN 'REFUNDED' ELSE 'SETTLED' END
FROM "CapitalCall" c,
     generate_series(1, CASE WHEN c."status" = 'PAID' THEN CASE WHEN c."id" % 7 = 0 THEN 2 ELSE 1 END
                             WHEN c."status" = 'OVERDUE' AND c."id" % 3 = 0 THEN 1 ELSE 0 END) AS part;
