//! Tells a string that is an SQL statement for SQLite from one that merely talks about SQL. It
//! knows how statements begin, not the whole grammar. Transaction control is left out: it touches
//! no row, so it costs nothing that a table of statements would have to pin.

/// True if `text` opens like a statement that SQLite would run.
pub(super) fn is_statement(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(8).collect();
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let has = |wanted: &str| words.iter().skip(1).any(|word| *word == wanted);
    let sql = text.trim_end();
    match word(0) {
        "SELECT" => text.contains(" FROM ") || text.contains("\nFROM ") || sql.len() < 80,
        "INSERT" | "REPLACE" => has("INTO"),
        "DELETE" => word(1) == "FROM",
        "UPDATE" => has("SET"),
        "WITH" => has("AS") && text.contains("SELECT"),
        "CREATE" => text.contains('(') || has("AS"),
        "DROP" => ["TABLE", "INDEX", "VIEW", "TRIGGER"].contains(&word(1)) && words.len() <= 5,
        "ALTER" => word(1) == "TABLE" && ["ADD", "DROP", "RENAME"].contains(&word(3)),
        "PRAGMA" => words.len() > 1,
        "VACUUM" => words.len() == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_statement;

    #[test]
    fn statements_are_recognised() {
        for sql in [
            "SELECT value FROM kv WHERE key = ?1",
            "\n    SELECT a,\n b\nFROM t",
            "INSERT OR REPLACE INTO kv VALUES (?1, ?2)",
            "DELETE FROM kv",
            "UPDATE kv SET value = ?2 WHERE key = ?1",
            "CREATE TABLE kv (key TEXT PRIMARY KEY) WITHOUT ROWID",
            "CREATE INDEX by_type ON things (type)",
            "DROP TABLE IF EXISTS kv",
            "PRAGMA journal_mode = WAL",
            "VACUUM",
        ] {
            assert!(is_statement(sql), "{sql}");
        }
    }

    #[test]
    fn sentences_about_sql_are_not_statements() {
        for text in [
            "DELETE needs a WHERE that names rows",
            "UPDATE is not allowed for a read-only user",
            "CREATE TABLE things: the table is built in",
            "ALTER TABLE can add, drop or rename a column",
            "select nothing",
            "COMMIT came without BEGIN",
            "BEGIN IMMEDIATE",
            "ROLLBACK",
            "",
        ] {
            assert!(!is_statement(text), "{text}");
        }
    }
}
