//! Aligned tables of text, and figures as people read them.

use std::io::Write;

use crate::terminal::is_harmful;

/// A table of text.
#[derive(Debug)]
pub(crate) struct Grid {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Grid {
    /// A table with a heading; headings that are all empty are not printed.
    pub(crate) fn new(heading: &[&str]) -> Self {
        let rows = vec![heading.iter().map(|text| (*text).to_owned()).collect()];
        Self { rows, right: vec![false; heading.len()] }
    }

    /// Aligns a column to the right.
    pub(crate) fn right(&mut self, column: usize) {
        self.right[column] = true;
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // A control character in a name (they come from the logs) must not reach the terminal.
        let harmful = |c: char| c.is_control() || is_harmful(c);
        let clean = |cell: String| cell.chars().map(|c| if harmful(c) { '?' } else { c }).collect();
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    /// Prints it, each line behind `indent`.
    ///
    /// # Errors
    /// As the writer.
    pub(crate) fn print(&self, out: &mut dyn Write, indent: &str) -> std::io::Result<()> {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        for row in self.rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            let mut line = indent.to_owned();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                let width = *width;
                if *right {
                    line.push_str(&format!("{cell:>width$}  "));
                } else {
                    line.push_str(&format!("{cell:<width$}  "));
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size in bytes with the unit that leaves one to three digits before the point.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.5 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(number), ["0", "12", "999", "1,000", "1,234,567"]);
        let sizes = [0, 999, 1000, 1_500_000, 999_999_999, 3_000_000_000_000].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "1.5 MB", "1.0 GB", "3.0 TB"]);
    }

    #[test]
    fn columns_are_aligned_and_harmless() {
        let mut grid = Grid::new(&["name", "n"]);
        grid.right(1);
        grid.row(["a\u{1b}[31m".to_owned(), "7".to_owned()]);
        grid.row(["é".to_owned(), "1,000".to_owned()]);
        let mut out = Vec::new();
        grid.print(&mut out, "  ").unwrap();
        let expected = "  name       n\n  a?[31m      7\n  é       1,000\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected.replace("name       n", "name        n"));
    }
}
