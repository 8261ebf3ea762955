-- What the load needs: numbers that depend on nothing but the row and a salt,
-- so that two loads with the same size and date are equal.

CREATE SCHEMA demo;

-- A number in [0, 1) from a row number and a salt.
CREATE FUNCTION demo.fraction(i bigint, salt bigint) RETURNS float8
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN ((hashint8extended(i, salt) >> 12) & 4503599627370495)::float8 / 4503599627370496.0;

-- An integer from 0 to n - 1.
CREATE FUNCTION demo.below(i bigint, salt bigint, n bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN floor(demo.fraction(i, salt) * n)::bigint;

-- One of several words.
CREATE FUNCTION demo.word(i bigint, salt bigint, words text[]) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN words[1 + demo.below(i, salt, cardinality(words))];

-- The name of one of 60 funds.
CREATE FUNCTION demo.fund(n bigint) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN ('{Harbour,Alpine,Meridian,Cedar,Summit,Lakeside,Northern,Granite,Orchard,Beacon}'::text[])[1 + n % 10]
    || ' ' || ('{Growth,Buyout,Credit,Venture,Infrastructure,Property}'::text[])[1 + n / 10 % 6] || ' Fund';
