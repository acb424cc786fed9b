//! `/v1/stats` and `/v1/cost`: what a database holds, what it has used, what that costs.

use dodb_engine::PRICES;
use dodb_engine::UsageCounts;
use serde_json::{Value, json};

use crate::error::Error;
use crate::server::{Call, Reply, Server};

pub(crate) fn stats(server: &Server, call: &Call) -> Result<Reply, Error> {
    let db = server.session.db();
    let mut tables = Vec::new();
    for def in db.tables(&call.usage)? {
        let snapshot = db.snapshot(&def.name, &call.usage)?;
        let (warm_rows, files, warm_bytes) = snapshot.warm();
        tables.push(json!({
            "name": def.name,
            "rows": snapshot.rows() - warm_rows,
            "parts": snapshot.part_count(),
            "bytes": snapshot.bytes(),
            "tier": "hot",
        }));
        if files > 0 {
            tables.push(json!({
                "name": def.name,
                "rows": warm_rows,
                "parts": files,
                "bytes": warm_bytes,
                "index_bytes": snapshot.index_bytes(&call.usage)?,
                "tier": "warm",
            }));
        }
    }
    Ok(Reply::json(&json!({
        "database": server.options.database,
        "tables": tables,
        "storage_bytes": storage(server)?,
        "memory_bytes": server.env.memory_bytes(),
        "meter": meter(server),
    })))
}

pub(crate) fn cost(server: &Server, _call: &Call) -> Result<Reply, Error> {
    let used = used(server);
    let bytes = storage(server)?;
    Ok(Reply::json(&json!({
        "since_open": {
            "rows_read": used.rows_read,
            "rows_written": used.rows_written,
            "usd": PRICES.usd(&used),
        },
        "storage": {
            "bytes": bytes,
            "usd_per_month": bytes as f64 / 1e9 * PRICES.row_gb_month,
        },
        "prices_usd": {
            "row_read": PRICES.row_read,
            "row_written": PRICES.row_written,
            "object_get": PRICES.object_get,
            "object_put": PRICES.object_put,
            "row_gb_month": PRICES.row_gb_month,
            "object_gb_month": PRICES.object_gb_month,
        },
    })))
}

fn storage(server: &Server) -> Result<u64, Error> {
    server.session.db().meter().bytes().map_err(|e| dodb_engine::Error::from(e).into())
}

fn used(server: &Server) -> UsageCounts {
    let mut used = UsageCounts::default();
    for (_, _, rows) in server.session.db().meter().totals() {
        used.rows_read += rows.read;
        used.rows_written += rows.written;
    }
    used
}

fn meter(server: &Server) -> Value {
    let totals = server.session.db().meter().totals();
    totals
        .into_iter()
        .map(|(statement, calls, rows)| {
            json!({
                "statement": statement,
                "calls": calls,
                "rows_read": rows.read,
                "rows_written": rows.written,
            })
        })
        .collect()
}
