-- Every fourth user is an investor and receives calls.
INSERT INTO "User" ("id", "email", "name", "role", "createdAt", "updatedAt")
SELECT i,
       demo.word(i, 1, '{Anna,Ben,Carla,David,Elena,Farid,Grace,Hugo,Ines,Jonas,Kira,Liam}') || '.'
         || demo.word(i, 2, '{Adler,Brown,Costa,Dietrich,Evans,Fischer,Garcia,Huber,Ivanov,Jansen}') || i || '@Example.com',
       demo.word(i, 1, '{Anna,Ben,Carla,David,Elena,Farid,Grace,Hugo,Ines,Jonas,Kira,Liam}') || ' '
         || demo.word(i, 2, '{Adler,Brown,Costa,Dietrich,Evans,Fischer,Garcia,Huber,Ivanov,Jansen}'),
       CASE WHEN i % 4 = 1 THEN 'INVESTOR' ELSE 'STAFF' END,
       at, at
FROM generate_series(1, greatest(:calls / 50, 40)) AS i,
     LATERAL (SELECT :'today'::timestamp - interval '4 years' + demo.fraction(i, 3) * interval '1 year') AS t(at);
