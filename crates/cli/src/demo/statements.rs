//! The SQL of row-per-record storage: an ordinary SQLite table for each kind of record with the
//! indexes such a table has, and the tour's queries on it. Not here: dodb's own queries
//! ([`super::tour`]).

use dodb_rowstore::Statement;

/// The tables and their indexes.
pub const CREATE: [Statement; 7] = [
    Statement {
        name: "create_things",
        sql: "CREATE TABLE things (id TEXT PRIMARY KEY, type TEXT NOT NULL, data TEXT NOT NULL, \
              createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL)",
    },
    Statement { name: "index_things_type", sql: "CREATE INDEX things_type ON things (type)" },
    Statement {
        name: "index_things_created",
        sql: "CREATE INDEX things_created ON things (createdAt)",
    },
    Statement {
        name: "index_things_updated",
        sql: "CREATE INDEX things_updated ON things (updatedAt)",
    },
    Statement {
        name: "create_relationships",
        sql: "CREATE TABLE relationships (id TEXT PRIMARY KEY, fromId TEXT NOT NULL, \
              toId TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, \
              createdAt INTEGER NOT NULL)",
    },
    Statement {
        name: "index_relationships_from",
        sql: "CREATE INDEX relationships_from ON relationships (fromId)",
    },
    Statement {
        name: "index_relationships_to",
        sql: "CREATE INDEX relationships_to ON relationships (toId)",
    },
];

/// One thing.
pub const PUT_THING: Statement = Statement {
    name: "put_thing",
    sql: "INSERT INTO things (id, type, data, createdAt, updatedAt) VALUES (?1, ?2, ?3, ?4, ?5)",
};
/// One relationship.
pub const PUT_RELATIONSHIP: Statement = Statement {
    name: "put_relationship",
    sql: "INSERT INTO relationships (id, fromId, toId, type, data, createdAt) \
          VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
};

/// All things. libSQL answers a bare `count(*)` by counting the pages of a b-tree, which a Durable
/// Object bills as the rows; with a WHERE it visits them.
pub const COUNT: Statement =
    Statement { name: "count", sql: "SELECT count(*) FROM things WHERE id >= ''" };
/// Things of each type.
pub const BY_TYPE: Statement = Statement {
    name: "by_type",
    sql: "SELECT type, count(*) FROM things GROUP BY type ORDER BY type",
};
/// Flights.
pub const FLIGHTS: Statement =
    Statement { name: "flights", sql: "SELECT count(*) FROM things WHERE type = 'Flight'" };
/// Airlines.
pub const AIRLINES: Statement =
    Statement { name: "airlines", sql: "SELECT count(*) FROM things WHERE type = 'Airline'" };
/// The first and the last time. In one SELECT each SQLite finds them in the index at once.
pub const TIMES: Statement = Statement {
    name: "times",
    sql: "SELECT strftime('%Y-%m-%d %H:%M:%f', (SELECT min(createdAt) FROM things) / 1000.0, \
          'unixepoch'), strftime('%Y-%m-%d %H:%M:%f', (SELECT max(createdAt) FROM things) \
          / 1000.0, 'unixepoch')",
};
/// One thing.
pub const BY_ID: Statement =
    Statement { name: "by_id", sql: "SELECT data ->> 'name' FROM things WHERE id = 'airline/UA'" };
/// Flights of one carrier.
pub const BY_PATH: Statement = Statement {
    name: "by_path",
    sql: "SELECT count(*) FROM things WHERE type = 'Flight' AND data ->> 'carrier' = 'UA'",
};
/// One airport by what it is called.
pub const BY_NAME: Statement = Statement {
    name: "by_name",
    sql: "SELECT id FROM things WHERE data ->> 'name' = 'La Guardia'",
};
/// The carriers that leave latest.
pub const DELAYS: Statement = Statement {
    name: "delays",
    sql: "SELECT data ->> 'carrier' AS carrier, round(avg(data ->> 'dep_delay'), 2) AS delay \
          FROM things WHERE type = 'Flight' GROUP BY carrier ORDER BY delay DESC LIMIT 3",
};
/// Everything created on one day.
pub const RANGE: Statement = Statement {
    name: "range",
    sql: "SELECT count(*) FROM things \
          WHERE createdAt >= 1372896000000 AND createdAt < 1372982400000",
};
/// Flights of one plane.
pub const PLANE: Statement = Statement {
    name: "plane",
    sql: "SELECT count(*) FROM relationships \
          WHERE toId = 'plane/N14228' AND type = 'OPERATED_WITH'",
};
/// Where one gets from an airport.
pub const HOP: Statement = Statement {
    name: "hop",
    sql: "SELECT count(DISTINCT a.toId) FROM relationships d \
          JOIN relationships a ON a.fromId = d.fromId \
          WHERE d.toId = 'airport/EWR' AND d.type = 'DEPARTS_FROM' AND a.type = 'ARRIVES_AT'",
};
/// The carriers with the most flights.
pub const CARRIERS: Statement = Statement {
    name: "carriers",
    sql: "SELECT toId, count(*) AS flights FROM relationships WHERE type = 'OPERATED_BY' \
          GROUP BY toId ORDER BY flights DESC LIMIT 3",
};
