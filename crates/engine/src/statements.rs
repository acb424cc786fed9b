//! Every SQL statement the engine sends to its row store, by name. Not here: the SQL of users.
//!
//! All tables are `WITHOUT ROWID` with a composite primary key: an insert costs one row written and
//! none read, a hit one row read, a miss none.

use dodb_rowstore::Statement;

/// Statements that make an empty store ready. Run only when a write finds no table.
pub const CREATE: [Statement; 7] = [
    Statement {
        name: "create_head",
        sql: "CREATE TABLE IF NOT EXISTS _head (tbl INTEGER NOT NULL, data BLOB NOT NULL, \
              PRIMARY KEY (tbl)) WITHOUT ROWID",
    },
    Statement {
        name: "create_parts",
        sql: "CREATE TABLE IF NOT EXISTS _parts (tbl INTEGER NOT NULL, part INTEGER NOT NULL, \
              stream INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL, \
              PRIMARY KEY (tbl, part, stream, seq)) WITHOUT ROWID",
    },
    Statement {
        name: "create_ids",
        sql: "CREATE TABLE IF NOT EXISTS _ids (tbl INTEGER NOT NULL, bucket INTEGER NOT NULL, \
              data BLOB NOT NULL, PRIMARY KEY (tbl, bucket)) WITHOUT ROWID",
    },
    Statement {
        name: "create_manifest",
        sql: "CREATE TABLE IF NOT EXISTS _manifest (tbl INTEGER NOT NULL, chunk INTEGER NOT NULL, \
              data BLOB NOT NULL, PRIMARY KEY (tbl, chunk)) WITHOUT ROWID",
    },
    Statement {
        name: "create_postings",
        sql: "CREATE TABLE IF NOT EXISTS _postings (tbl INTEGER NOT NULL, level INTEGER NOT NULL, \
              cut INTEGER NOT NULL, shard INTEGER NOT NULL, data BLOB NOT NULL, \
              PRIMARY KEY (tbl, level, cut, shard)) WITHOUT ROWID",
    },
    Statement {
        name: "create_footers",
        sql: "CREATE TABLE IF NOT EXISTS _footers (tbl INTEGER NOT NULL, file INTEGER NOT NULL, \
              data BLOB NOT NULL, PRIMARY KEY (tbl, file)) WITHOUT ROWID",
    },
    Statement {
        name: "create_stats",
        sql: "CREATE TABLE IF NOT EXISTS _stats (tbl INTEGER NOT NULL, file INTEGER NOT NULL, \
              data BLOB NOT NULL, PRIMARY KEY (tbl, file)) WITHOUT ROWID",
    },
];

/// Fails where [`CREATE`] never ran, and reads nothing where it did.
pub const IS_MADE: Statement = Statement { name: "is_made", sql: "SELECT tbl FROM _head LIMIT 0" };

/// The head row of a table; table 0 is the catalog.
pub const GET_HEAD: Statement =
    Statement { name: "get_head", sql: "SELECT data FROM _head WHERE tbl = ?1" };
/// Replaces a head row.
pub const PUT_HEAD: Statement =
    Statement { name: "put_head", sql: "INSERT OR REPLACE INTO _head (tbl, data) VALUES (?1, ?2)" };
/// Forgets a table's head row.
pub const DELETE_HEAD: Statement =
    Statement { name: "delete_head", sql: "DELETE FROM _head WHERE tbl = ?1" };

/// One row of a part.
pub const GET_PART_ROW: Statement = Statement {
    name: "get_part_row",
    sql: "SELECT data FROM _parts WHERE tbl = ?1 AND part = ?2 AND stream = ?3 AND seq = ?4",
};
/// Writes one row of a part. Part numbers are never used twice, so this never replaces.
pub const PUT_PART_ROW: Statement = Statement {
    name: "put_part_row",
    sql: "INSERT OR REPLACE INTO _parts (tbl, part, stream, seq, data) VALUES (?1, ?2, ?3, ?4, ?5)",
};
/// Forgets a part.
pub const DELETE_PART: Statement =
    Statement { name: "delete_part", sql: "DELETE FROM _parts WHERE tbl = ?1 AND part = ?2" };
/// Forgets every part of a table.
pub const DELETE_PARTS: Statement =
    Statement { name: "delete_parts", sql: "DELETE FROM _parts WHERE tbl = ?1" };
/// The keys of a table's part rows, for `verify`.
pub const LIST_PART_ROWS: Statement = Statement {
    name: "list_part_rows",
    sql: "SELECT part, stream, seq, length(data) FROM _parts WHERE tbl = ?1",
};
/// One bucket of a table's id filters.
pub const GET_IDS: Statement =
    Statement { name: "get_ids", sql: "SELECT data FROM _ids WHERE tbl = ?1 AND bucket = ?2" };
/// Replaces a bucket.
pub const PUT_IDS: Statement = Statement {
    name: "put_ids",
    sql: "INSERT OR REPLACE INTO _ids (tbl, bucket, data) VALUES (?1, ?2, ?3)",
};
/// Forgets a table's id filters.
pub const DELETE_IDS: Statement =
    Statement { name: "delete_ids", sql: "DELETE FROM _ids WHERE tbl = ?1" };
/// All rows that list a table's files.
pub const GET_MANIFEST: Statement = Statement {
    name: "get_manifest",
    sql: "SELECT chunk, data FROM _manifest WHERE tbl = ?1 ORDER BY chunk",
};
/// One of them.
pub const GET_MANIFEST_ROW: Statement = Statement {
    name: "get_manifest_row",
    sql: "SELECT data FROM _manifest WHERE tbl = ?1 AND chunk = ?2",
};
/// Replaces one of them.
pub const PUT_MANIFEST: Statement = Statement {
    name: "put_manifest",
    sql: "INSERT OR REPLACE INTO _manifest (tbl, chunk, data) VALUES (?1, ?2, ?3)",
};
/// Forgets one of them.
pub const DELETE_MANIFEST_ROW: Statement = Statement {
    name: "delete_manifest_row",
    sql: "DELETE FROM _manifest WHERE tbl = ?1 AND chunk = ?2",
};
/// Forgets them all.
pub const DELETE_MANIFEST: Statement =
    Statement { name: "delete_manifest", sql: "DELETE FROM _manifest WHERE tbl = ?1" };
/// One row of posting lists.
pub const GET_POSTINGS: Statement = Statement {
    name: "get_postings",
    sql: "SELECT data FROM _postings WHERE tbl = ?1 AND level = ?2 AND cut = ?3 AND shard = ?4",
};
/// Replaces one.
pub const PUT_POSTINGS: Statement = Statement {
    name: "put_postings",
    sql: "INSERT OR REPLACE INTO _postings (tbl, level, cut, shard, data) \
          VALUES (?1, ?2, ?3, ?4, ?5)",
};
/// Forgets a level in all cuts but one.
pub const DELETE_POSTINGS_OF_OTHER_CUTS: Statement = Statement {
    name: "delete_postings_of_other_cuts",
    sql: "DELETE FROM _postings WHERE tbl = ?1 AND level = ?2 AND cut <> ?3",
};
/// Forgets a table's posting lists.
pub const DELETE_POSTINGS: Statement =
    Statement { name: "delete_postings", sql: "DELETE FROM _postings WHERE tbl = ?1" };
/// Footers of files, by the first of them.
pub const GET_FOOTERS: Statement = Statement {
    name: "get_footers",
    sql: "SELECT data FROM _footers WHERE tbl = ?1 AND file = ?2",
};
/// Writes some.
pub const PUT_FOOTERS: Statement = Statement {
    name: "put_footers",
    sql: "INSERT OR REPLACE INTO _footers (tbl, file, data) VALUES (?1, ?2, ?3)",
};
/// Forgets some.
pub const DELETE_FOOTERS_ROW: Statement = Statement {
    name: "delete_footers_row",
    sql: "DELETE FROM _footers WHERE tbl = ?1 AND file = ?2",
};
/// Forgets a table's footers.
pub const DELETE_FOOTERS: Statement =
    Statement { name: "delete_footers", sql: "DELETE FROM _footers WHERE tbl = ?1" };
/// Statistics of files, by the first of them.
pub const GET_STATS: Statement =
    Statement { name: "get_stats", sql: "SELECT data FROM _stats WHERE tbl = ?1 AND file = ?2" };
/// Writes some.
pub const PUT_STATS: Statement = Statement {
    name: "put_stats",
    sql: "INSERT OR REPLACE INTO _stats (tbl, file, data) VALUES (?1, ?2, ?3)",
};
/// Forgets some.
pub const DELETE_STATS_ROW: Statement =
    Statement { name: "delete_stats_row", sql: "DELETE FROM _stats WHERE tbl = ?1 AND file = ?2" };
/// Forgets a table's statistics of files.
pub const DELETE_STATS: Statement =
    Statement { name: "delete_stats", sql: "DELETE FROM _stats WHERE tbl = ?1" };
/// Bytes of a table's filters, lists of files, posting lists and footers.
pub const INDEX_BYTES: Statement = Statement {
    name: "index_bytes",
    sql: "SELECT coalesce(sum(bytes), 0) FROM ( \
          SELECT sum(length(data)) AS bytes FROM _ids WHERE tbl = ?1 \
          UNION ALL SELECT sum(length(data)) FROM _manifest WHERE tbl = ?1 \
          UNION ALL SELECT sum(length(data)) FROM _postings WHERE tbl = ?1 \
          UNION ALL SELECT sum(length(data)) FROM _footers WHERE tbl = ?1 \
          UNION ALL SELECT sum(length(data)) FROM _stats WHERE tbl = ?1)",
};
