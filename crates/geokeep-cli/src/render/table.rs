//! Rows of text under a header, in columns that are aligned.

use geokeep::words::one_line;
use unicode_width::UnicodeWidthStr;

/// What stands between two columns.
const GAP: &str = "  ";

/// Rows that are shown once all of them are known.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
    /// Numbers stand at the right of their column.
    right: [bool; N],
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(header: [&str; N], right: [bool; N]) -> Self {
        let rows = vec![header.map(str::to_owned)];
        Self { rows, right }
    }

    /// Names from files and archives may stand in it.
    pub(crate) fn add(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| one_line(&cell)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row[column].width());
            cells.max().unwrap_or(0)
        });
        self.rows.iter().map(move |row| self.line(row, &widths))
    }

    fn line(&self, row: &[String; N], widths: &[usize; N]) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let space = " ".repeat(widths[column] - cell.width());
            let (before, after) = if self.right[column] {
                (&*space, "")
            } else {
                ("", &*space)
            };
            for part in [before, cell, after, GAP] {
                line.push_str(part);
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_the_script() {
        let mut table = Table::new(["NAME", "SIZE", "SOURCE"], [false, true, false]);
        for (name, size) in [
            ("東京", "1 kB"),
            ("Gru\u{308}n", "12 kB"),
            ("a\nb", "1.5 MB"),
        ] {
            table.add([name.to_owned(), size.to_owned(), "/gis".to_owned()]);
        }
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "NAME          SIZE  SOURCE");
        for line in &lines[1..] {
            let before = line.split("/gis").next().unwrap_or_default();
            assert_eq!(before.width(), 20, "{line}");
        }
    }
}
