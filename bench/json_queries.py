"""The queries of the JSON benchmark, in the spelling of each engine. Runs nothing."""

DODB_TABLE = "CREATE TABLE events (doc JSON) ENGINE = MergeTree ORDER BY tuple()"
CHDB_TABLE = "CREATE TABLE events (doc JSON) ENGINE = MergeTree ORDER BY tuple()"
CHDB_TABLE_HINTS = """
CREATE TABLE events (doc JSON(
    kind LowCardinality(String), commit.operation LowCardinality(String),
    commit.collection LowCardinality(String), did String, time_us UInt64)
) ENGINE = MergeTree
ORDER BY (doc.kind, doc.commit.operation, doc.commit.collection, doc.did,
          fromUnixTimestamp64Micro(doc.time_us))
"""

CREATED = "{kind} = 'commit' AND {operation} = 'create'"
POSTS = CREATED + " AND {collection} = 'app.bsky.feed.post'"
THREE = "'app.bsky.feed.post', 'app.bsky.feed.repost', 'app.bsky.feed.like'"

# Name, and SQL over paths in braces. Every engine gets the same text with its own paths.
CLICKHOUSE = [
    ("count by collection",
     "SELECT {collection} AS event, count() AS n FROM events "
     "GROUP BY event ORDER BY n DESC, event"),
    ("count and users by collection",
     "SELECT {collection} AS event, count() AS n, uniqExact({did}) AS users FROM events "
     f"WHERE {CREATED} GROUP BY event ORDER BY n DESC, event"),
    ("count by collection and hour",
     "SELECT {collection} AS event, toHour(fromUnixTimestamp64Micro({time_us})) AS hour, "
     f"count() AS n FROM events WHERE {CREATED} AND {{collection}} IN [{THREE}] "
     "GROUP BY event, hour ORDER BY hour, event"),
    ("first post of a user",
     "SELECT {did} AS user_id, toUnixTimestamp64Micro(min(fromUnixTimestamp64Micro({time_us}))) "
     f"AS first FROM events WHERE {POSTS} GROUP BY user_id ORDER BY first, user_id LIMIT 3"),
    ("span of a user's posts",
     "SELECT {did} AS user_id, date_diff('milliseconds', "
     "min(fromUnixTimestamp64Micro({time_us})), max(fromUnixTimestamp64Micro({time_us}))) AS span "
     f"FROM events WHERE {POSTS} GROUP BY user_id ORDER BY span DESC, user_id LIMIT 3"),
    ("events of one user", "SELECT count() FROM events WHERE {did} = '{user}'"),
    ("one hundredth of the time",
     "SELECT count(), min({time_us}), max({time_us}) FROM events "
     "WHERE {time_us} BETWEEN {from} AND {to}"),
    ("a rare path",
     "SELECT count() FROM events WHERE {external} IS NOT NULL"),
    ("most discussed posts",
     "SELECT {root} AS root, count() AS n FROM events WHERE {root} IS NOT NULL "
     "GROUP BY root ORDER BY n DESC, root LIMIT 10"),
]

PATHS = {
    "kind": ("kind", "String"),
    "operation": ("commit.operation", "String"),
    "collection": ("commit.collection", "String"),
    "did": ("did", "String"),
    "time_us": ("time_us", "Int64"),
    "external": ("commit.record.embed.external.uri", "String"),
    "root": ("commit.record.reply.root.uri", "String"),
}
HINTED = {"kind", "operation", "collection", "did", "time_us"}


def dodb_path(name):
    return f"doc.{PATHS[name][0]}"


def chdb_path(name):
    path, kind = PATHS[name]
    # A cast of a path that is missing gives '' or 0; only the nullable type keeps NULL.
    return f"doc.{path}.:{kind}"


def chdb_hinted_path(name):
    return f"doc.{PATHS[name][0]}" if name in HINTED else chdb_path(name)


def duckdb_path(name):
    path, kind = PATHS[name]
    text = f"(j->>'$.{path}')"
    return f"{text}::BIGINT" if kind == "Int64" else text


def duckdb_sql(sql):
    """DuckDB's spelling of the functions."""
    replaced = [
        ("toHour(fromUnixTimestamp64Micro({time_us}))", "hour(make_timestamp({time_us}))"),
        ("toUnixTimestamp64Micro(min(fromUnixTimestamp64Micro({time_us})))", "min({time_us})"),
        ("date_diff('milliseconds', min(fromUnixTimestamp64Micro({time_us})), "
         "max(fromUnixTimestamp64Micro({time_us})))",
         "date_diff('milliseconds', make_timestamp(min({time_us})), make_timestamp(max({time_us})))"),
        ("uniqExact({did})", "count(DISTINCT {did})"),
        (f"IN [{THREE}]", f"IN ({THREE})"),
    ]
    for ours, theirs in replaced:
        sql = sql.replace(ours, theirs)
    return sql


def spelled(sql, path, values):
    """The query with an engine's paths and with constants."""
    for name in PATHS:
        sql = sql.replace("{" + name + "}", path(name))
    for name, value in values.items():
        sql = sql.replace("{" + name + "}", str(value))
    return sql
