-- Sign-in by e-mail in any case
-- weight: 60
SELECT "id", "name", "role" FROM "User" WHERE lower("email") = :email;
