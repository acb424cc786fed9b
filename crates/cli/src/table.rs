//! A table of text for a terminal: columns as wide as their widest cell, numbers to the right.
//! Not here: answers of SQL, whose formats are the server's.

use unicode_width::UnicodeWidthStr;

/// Rows of text under a header.
pub struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Names the columns; one whose name starts with `>` is aligned to the right.
    pub fn new(header: &[&str]) -> Table {
        Table {
            header: header.iter().map(|name| name.trim_start_matches('>').to_owned()).collect(),
            right: header.iter().map(|name| name.starts_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as lines, each ended.
    pub fn render(&self) -> String {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let width = |at: usize| lines().filter_map(|l| l.get(at)).map(|c| c.width()).max();
        let widths: Vec<usize> =
            (0..self.header.len()).map(|at| width(at).unwrap_or_default()).collect();
        let mut out = String::new();
        for (number, cells) in lines().enumerate() {
            let mut line = String::new();
            for (at, width) in widths.iter().enumerate() {
                let cell = cells.get(at).map(String::as_str).unwrap_or_default();
                let space = " ".repeat(width.saturating_sub(cell.width()));
                let is_right = self.right.get(at).copied().unwrap_or_default();
                line.push_str(if at > 0 { "  " } else { "" });
                match is_right {
                    true => line.extend([space.as_str(), cell]),
                    false => line.extend([cell, space.as_str()]),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
            if number == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                out.push_str(&rules.join("  "));
                out.push('\n');
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn wide_characters_keep_the_columns() {
        let mut table = Table::new(&["name", ">rows"]);
        table.row(vec!["日本".into(), "1".into()]);
        table.row(vec!["a".into(), "1,000".into()]);
        assert_eq!(table.render(), "name   rows\n────  ─────\n日本      1\na     1,000\n");
    }
}
