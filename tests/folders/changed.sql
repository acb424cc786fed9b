DELETE FROM things WHERE data.city = 'c3';
UPDATE things SET type = 'Guest' WHERE data.age = 17;
INSERT INTO things (id, type, data, createdAt, updatedAt) VALUES ('t1', 'User', '{"email":"new@example.org","age":1}', '2024-01-01', '2024-01-01'), ('fresh', 'User', '{"email":"fresh@example.org","z":-0.0}', '2024-01-02', '2024-01-02');
DELETE FROM measures WHERE id % 100 = 5;
