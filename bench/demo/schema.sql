-- The tables of three applications, as their teams would start: Prisma's
-- mixed-case names for the capital-call and the insurance-lead platform, lower
-- case for the finance agent.  Keys come after the load (constraints.sql).

CREATE TYPE "CallStatus" AS ENUM ('PENDING', 'APPROVED', 'PAID', 'OVERDUE', 'REJECTED');

CREATE TABLE "User" (
  "id" serial,
  "email" text NOT NULL,
  "name" text NOT NULL,
  "role" text NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE "CapitalCall" (
  "id" serial,
  "userId" integer NOT NULL,
  "fundName" text NOT NULL,
  "amountDue" numeric(14, 2) NOT NULL,
  "dueDate" timestamp(3) NOT NULL,
  "status" "CallStatus" NOT NULL DEFAULT 'PENDING',
  "paidAt" timestamp(3),
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" timestamp(3) NOT NULL
);

CREATE TABLE "Payment" (
  "id" serial,
  "capitalCallId" integer NOT NULL,
  "amount" numeric(14, 2) NOT NULL,
  "paidAt" timestamp(3) NOT NULL,
  "status" text NOT NULL
);

CREATE TABLE "Lead" (
  "id" serial,
  "status" text NOT NULL,
  "insuranceType" text NOT NULL,
  "qualityScore" integer NOT NULL,
  "zipCode" text NOT NULL,
  "source" text NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "details" jsonb NOT NULL
);

CREATE TABLE "Agent" (
  "id" serial,
  "isActive" boolean NOT NULL DEFAULT true,
  "currentLeadCount" integer NOT NULL DEFAULT 0,
  "state" text NOT NULL,
  "city" text NOT NULL,
  "specializations" text[] NOT NULL,
  "rating" numeric(2, 1) NOT NULL
);

CREATE TABLE "LeadAssignment" (
  "id" serial,
  "leadId" integer NOT NULL,
  "agentId" integer NOT NULL,
  "status" text NOT NULL,
  "assignedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE "Carrier" (
  "id" serial,
  "name" text NOT NULL,
  "state" text NOT NULL,
  "insuranceType" text NOT NULL,
  "isActive" boolean NOT NULL DEFAULT true
);

CREATE TABLE "Event" (
  "id" bigserial,
  "entityType" text NOT NULL,
  "entityId" integer NOT NULL,
  "type" text NOT NULL,
  "source" text NOT NULL,
  "timestamp" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "payload" jsonb NOT NULL
);

-- The same events, partitioned by month; the load adds the partitions.
CREATE TABLE "EventPartitioned" (
  "id" bigint NOT NULL DEFAULT nextval('"Event_id_seq"'),
  "entityType" text NOT NULL,
  "entityId" integer NOT NULL,
  "type" text NOT NULL,
  "source" text NOT NULL,
  "timestamp" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "payload" jsonb NOT NULL
) PARTITION BY RANGE ("timestamp");

CREATE TABLE portfolios (
  id serial,
  owner_id integer NOT NULL,
  name text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  base_currency char(3) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE transactions (
  id bigserial,
  portfolio_id integer NOT NULL,
  symbol text NOT NULL,
  side text NOT NULL,
  quantity numeric(14, 4) NOT NULL,
  price numeric(14, 4) NOT NULL,
  executed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE market_data (
  id bigserial,
  symbol text NOT NULL,
  ts timestamptz NOT NULL DEFAULT now(),
  open numeric(14, 4) NOT NULL,
  close numeric(14, 4) NOT NULL,
  volume bigint NOT NULL
);
