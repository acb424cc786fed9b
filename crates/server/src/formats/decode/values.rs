//! Rows of SQL literals: `(1, 'a', [2, 3]), (NULL, ...)`. Literals only, no expressions.

use super::fault::{Fault, Step};
use super::literal::{append_literal, heredoc_end, quoted_end, skip_space};
use super::rows::Rows;

/// Reads parenthesised rows.
#[derive(Default)]
pub(crate) struct ValueRows {
    ended: bool,
}

impl ValueRows {
    /// Reads the record at the start of `text`.
    pub(crate) fn step(
        &mut self,
        text: &str,
        at_end: bool,
        rows: &mut Rows,
    ) -> Result<Step, Fault> {
        let between = |b: &&u8| b.is_ascii_whitespace() || **b == b',';
        let start = text.as_bytes().iter().take_while(between).count();
        match text.as_bytes().get(start) {
            None => return Ok(Step::took(start)),
            Some(b';') => {
                self.ended = true;
                return Ok(Step::took(start + 1));
            }
            Some(b'(') if !self.ended => {}
            Some(_) if self.ended => {
                return Err(Fault::syntax(start, "expected nothing after the `;`"));
            }
            Some(_) => return Err(Fault::syntax(start, "expected a row `(...)`")),
        }
        let record = text.get(start..).unwrap_or_default();
        match row_end(record) {
            Some(length) => {
                self.row(record.get(..length).unwrap_or_default(), start, rows)?;
                Ok(Step::took(start + length))
            }
            None if at_end => Err(Fault::syntax(start, "the row breaks off: expected `)`")),
            None => Ok(Step::waits(start)),
        }
    }

    fn row(&self, record: &str, start: usize, rows: &mut Rows) -> Result<(), Fault> {
        let end = Some(start + record.len());
        let count = rows.field_count();
        let mut at = 1;
        for field in 0..count {
            at = skip_space(record, at);
            let appended = match (rows.column(field), record.as_bytes().get(at)) {
                (Some(_), Some(b'"')) => Err((at, "text must stand in single quotes".to_string())),
                (Some(column), _) => append_literal(column, record, at),
                (None, _) => Ok(at),
            };
            let close = if field + 1 == count { b')' } else { b',' };
            let appended = appended.map(|next| skip_space(record, next)).and_then(|next| {
                match record.as_bytes().get(next) == Some(&close) {
                    true => Ok(next + 1),
                    false => Err((next, format!("expected {count} values and then `)`"))),
                }
            });
            match appended {
                Ok(next) => at = next,
                Err((wrong, problem)) => {
                    rows.spoil_row();
                    let field = rows.field_name(field);
                    return Err(Fault { at: start + wrong, field, problem, end });
                }
            }
        }
        if at != record.len() {
            rows.spoil_row();
            return Err(Fault { end, ..Fault::syntax(start + at, "expected the end of the row") });
        }
        rows.end_row(record.len());
        Ok(())
    }
}

/// Where the row at the start of `text` ends, after its closing parenthesis.
fn row_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0usize, 0usize);
    loop {
        match bytes.get(at)? {
            quote @ (b'\'' | b'"') => {
                at += quoted_end(text.get(at..)?, *quote)?;
                continue;
            }
            b'$' => {
                at += heredoc_end(text.get(at..)?)?;
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}
