-- A lead with its agents
-- weight: 30
\set lead random(1, :leads)
SELECT l."id", l."status", a."id" AS agent, a."city", s."status" AS assignment
FROM "Lead" l JOIN "LeadAssignment" s ON s."leadId" = l."id" JOIN "Agent" a ON a."id" = s."agentId"
WHERE l."id" = :lead;
