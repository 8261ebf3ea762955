-- Leads of the last two years, agents, assignments and carriers.
INSERT INTO "Lead" ("id", "status", "insuranceType", "qualityScore", "zipCode", "source", "createdAt", "details")
SELECT i,
       CASE WHEN i > n * 0.97 AND x < 0.7 THEN 'NEW' WHEN x < 0.02 THEN 'NEW' WHEN x < 0.30 THEN 'CONTACTED'
            WHEN x < 0.45 THEN 'QUALIFIED' WHEN x < 0.60 THEN 'CONVERTED' ELSE 'LOST' END,
       demo.word(i, 31, '{AUTO,AUTO,AUTO,HOME,HOME,LIFE,HEALTH,COMMERCIAL}'),
       100 - floor(100 * sqrt(demo.fraction(i, 32)))::int,
       lpad((10000 + demo.below(i, 33, 900) * 97)::text, 5, '0'),
       demo.word(i, 34, '{web,web,web,phone,partner,referral,campaign}'),
       :'today'::timestamp - interval '730 days' * (1 - (i - demo.fraction(i, 35)) / n),
       jsonb_build_object('age', 18 + demo.below(i, 36, 60), 'homeowner', demo.fraction(i, 37) < 0.4,
                          'campaign', 'c' || demo.below(i, 38, 400), 'language', demo.word(i, 39, '{en,en,en,es,fr}'),
                          'vehicles', demo.below(i, 40, 4))
FROM (SELECT greatest(:calls / 5, 100)) AS size(n), generate_series(1, n) AS i, LATERAL (SELECT demo.fraction(i, 30)) AS r(x);

INSERT INTO "Agent" ("id", "isActive", "currentLeadCount", "state", "city", "specializations", "rating")
SELECT i, demo.fraction(i, 41) < 0.7, demo.below(i, 42, 40),
       demo.word(i, 43, '{CA,TX,NY,FL,IL,WA,GA,OH,NC,AZ}'),
       demo.word(i, 43, '{CA,TX,NY,FL,IL,WA,GA,OH,NC,AZ}') || ' City ' || demo.below(i, 44, 12),
       ARRAY[demo.word(i, 45, '{AUTO,HOME,LIFE}'), demo.word(i, 46, '{HEALTH,COMMERCIAL,MARINE,TRAVEL}')],
       1 + demo.below(i, 47, 41) / 10.0
FROM generate_series(1, greatest(:calls / 100, 50)) AS i;

INSERT INTO "LeadAssignment" ("id", "leadId", "agentId", "status", "assignedAt")
SELECT row_number() OVER (), l."id", 1 + demo.below(l."id", 51, greatest(:calls / 100, 50)),
       CASE WHEN l."createdAt" > :'today'::timestamp - interval '30 days' THEN demo.word(l."id", 52, '{ACTIVE,ACTIVE,DECLINED}')
            ELSE demo.word(l."id", 53, '{CLOSED,CLOSED,CLOSED,DECLINED}') END,
       l."createdAt" + demo.fraction(l."id", 54) * interval '2 days'
FROM "Lead" l WHERE l."status" <> 'NEW';

INSERT INTO "Carrier" ("id", "name", "state", "insuranceType", "isActive")
SELECT i, 'Carrier ' || i, demo.word(i, 61, '{CA,TX,NY,FL,IL,WA,GA,OH,NC,AZ}'),
       demo.word(i, 62, '{AUTO,HOME,LIFE,HEALTH,COMMERCIAL}'), i % 9 <> 0
FROM generate_series(1, 120) AS i;
