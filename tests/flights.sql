SELECT count(*) FROM things;
SELECT type, count(*) FROM things GROUP BY type ORDER BY type;
SELECT min(createdAt), max(createdAt) FROM things;
SELECT id, type, data FROM things WHERE id = 'airline/UA';
SELECT count(*) FROM things WHERE type = 'Flight' AND data.carrier = 'UA';
SELECT data.carrier AS c, count(*), round(avg(data.dep_delay), 6), max(data.distance)
  FROM things WHERE type = 'Flight' GROUP BY c ORDER BY c;
SELECT count(*) FROM things WHERE createdAt >= '2013-07-04' AND createdAt < '2013-07-05';
SELECT toStartOfMonth(createdAt) AS m, count(*) FROM things WHERE type = 'Flight'
  GROUP BY m ORDER BY m;
SELECT p.data.manufacturer AS m, count(*) AS n FROM things f
  JOIN things p ON p.id = concat('plane/', f.data.tailnum)
  WHERE f.type = 'Flight' AND p.type = 'Plane' GROUP BY m ORDER BY n DESC, m LIMIT 5;
SELECT uniqExact(data.tailnum) FROM things WHERE type = 'Flight';
SELECT id, data.dep_delay AS d FROM things WHERE type = 'Flight' AND data.dep_delay > 1000
  ORDER BY d DESC, id;
SELECT data.origin AS o, quantile(0.5)(data.air_time) FROM things WHERE type = 'Flight'
  GROUP BY o ORDER BY o;
SELECT min(data.distance), max(data.distance), min(data.tailnum), max(data.dep_delay),
  count(data.dep_delay), count(*) FROM things;
SELECT min(data.air_time), max(data.tailnum), count(*) FROM things WHERE type = 'Flight';
SELECT EXISTS (SELECT 1 FROM things WHERE id = 'flight/7'),
  EXISTS (SELECT 1 FROM things WHERE id = 'flight/x');
SELECT sum(c) FROM (SELECT count(data.dep_delay) AS c FROM things UNION ALL SELECT 1)
