-- Primary keys and foreign keys, nothing else; the sequences go on after the load.
ALTER TABLE "User" ADD CONSTRAINT "User_pkey" PRIMARY KEY ("id");
ALTER TABLE "CapitalCall" ADD CONSTRAINT "CapitalCall_pkey" PRIMARY KEY ("id");
ALTER TABLE "Payment" ADD CONSTRAINT "Payment_pkey" PRIMARY KEY ("id");
ALTER TABLE "Lead" ADD CONSTRAINT "Lead_pkey" PRIMARY KEY ("id");
ALTER TABLE "Agent" ADD CONSTRAINT "Agent_pkey" PRIMARY KEY ("id");
ALTER TABLE "LeadAssignment" ADD CONSTRAINT "LeadAssignment_pkey" PRIMARY KEY ("id");
ALTER TABLE "Carrier" ADD CONSTRAINT "Carrier_pkey" PRIMARY KEY ("id");
ALTER TABLE "Event" ADD CONSTRAINT "Event_pkey" PRIMARY KEY ("id");
ALTER TABLE "EventPartitioned" ADD CONSTRAINT "EventPartitioned_pkey" PRIMARY KEY ("id", "timestamp");
ALTER TABLE portfolios ADD PRIMARY KEY (id);
ALTER TABLE transactions ADD PRIMARY KEY (id);
ALTER TABLE market_data ADD PRIMARY KEY (id);

ALTER TABLE "CapitalCall" ADD CONSTRAINT "CapitalCall_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id");
ALTER TABLE "Payment" ADD CONSTRAINT "Payment_capitalCallId_fkey"
  FOREIGN KEY ("capitalCallId") REFERENCES "CapitalCall" ("id") ON DELETE CASCADE;
ALTER TABLE "LeadAssignment" ADD CONSTRAINT "LeadAssignment_leadId_fkey" FOREIGN KEY ("leadId") REFERENCES "Lead" ("id");
ALTER TABLE "LeadAssignment" ADD CONSTRAINT "LeadAssignment_agentId_fkey" FOREIGN KEY ("agentId") REFERENCES "Agent" ("id");
ALTER TABLE portfolios ADD FOREIGN KEY (owner_id) REFERENCES "User" ("id");
ALTER TABLE transactions ADD FOREIGN KEY (portfolio_id) REFERENCES portfolios (id);

SELECT setval(pg_get_serial_sequence(quote_ident(t), 'id'), (xpath('/row/m/text()', query_to_xml(
         format('SELECT max("id") AS m FROM %I', t), false, true, '')))[1]::text::bigint)
FROM unnest('{User,CapitalCall,Payment,Lead,Agent,LeadAssignment,Carrier,Event,portfolios,transactions,market_data}'::text[]) AS t
\g /dev/null
