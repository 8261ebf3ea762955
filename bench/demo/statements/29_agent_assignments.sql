-- An agent's active assignments
-- weight: 40
\set agent random(1, :agents)
SELECT s."id", s."assignedAt", l."insuranceType", l."qualityScore"
FROM "LeadAssignment" s JOIN "Lead" l ON l."id" = s."leadId"
WHERE s."agentId" = :agent AND s."status" = :active ORDER BY s."assignedAt" DESC LIMIT 20;
