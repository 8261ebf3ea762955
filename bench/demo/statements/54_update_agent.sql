-- An agent's load changes
-- weight: 20
\set agent random(1, :agents)
UPDATE "Agent" SET "currentLeadCount" = "currentLeadCount" + 1 WHERE "id" = :agent;
