"""The ten queries over flights, the same for every engine.

Each has a total order, so that answers can be compared row by row. Where an engine spells
something in its own way, OTHER holds its spelling of the whole query.
"""

QUERIES = {
    "count": "SELECT count(*) AS n FROM flights",
    "carriers": """
        SELECT carrier, count(*) AS n, avg(dep_delay) AS delay
        FROM flights GROUP BY carrier ORDER BY carrier""",
    "top routes": """
        SELECT origin, dest, count(*) AS n, avg(distance) AS miles
        FROM flights GROUP BY origin, dest ORDER BY n DESC, origin, dest LIMIT 10""",
    "hourly": """
        SELECT hour, count(*) AS n, avg(dep_delay) AS mean, max(dep_delay) AS worst
        FROM flights GROUP BY hour ORDER BY hour""",
    "filter and sum": """
        SELECT count(*) AS n, sum(distance) AS miles, sum(air_time) AS minutes
        FROM flights WHERE month = 7 AND origin = 'JFK' AND dep_delay > 30""",
    "distinct planes": "SELECT count(DISTINCT tailnum) AS n FROM flights",
    "join": """
        SELECT airlines.name AS airline, planes.manufacturer AS maker,
               count(*) AS n, sum(flights.distance) AS miles
        FROM flights
        JOIN airlines ON flights.carrier = airlines.carrier
        JOIN planes ON flights.tailnum = planes.tailnum
        GROUP BY airlines.name, planes.manufacturer
        ORDER BY n DESC, airline, maker LIMIT 20""",
    "quantiles": """
        SELECT origin,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY arr_delay) AS median,
               percentile_cont(0.9) WITHIN GROUP (ORDER BY arr_delay) AS p90
        FROM flights WHERE arr_delay IS NOT NULL GROUP BY origin ORDER BY origin""",
    "window": """
        SELECT carrier, place, flight, month, day, dep_delay
        FROM (
            SELECT carrier, flight, month, day, dep_delay,
                   row_number() OVER (
                       PARTITION BY carrier
                       ORDER BY dep_delay DESC, month, day, sched_dep_time, flight, origin, dest
                   ) AS place
            FROM flights WHERE dep_delay IS NOT NULL
        ) AS ranked
        WHERE place <= 3 ORDER BY carrier, place""",
    "string filter": """
        SELECT carrier, count(*) AS n
        FROM flights WHERE tailnum LIKE '%AA' AND dest LIKE 'S%'
        GROUP BY carrier ORDER BY n DESC, carrier""",
}

OTHER = {
    ("chdb", "quantiles"): """
        SELECT origin,
               quantileExactInclusive(0.5)(arr_delay) AS median,
               quantileExactInclusive(0.9)(arr_delay) AS p90
        FROM flights WHERE arr_delay IS NOT NULL GROUP BY origin ORDER BY origin""",
}

# The tables the queries read; flights is the one whose import and size are measured.
TABLES = ("flights", "planes", "airlines")


def spelling(engine, name):
    """The text of query `name` for `engine`."""
    return OTHER.get((engine, name), QUERIES[name]).strip()
