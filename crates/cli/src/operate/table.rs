//! Columns for people.

use hardfrost_spend::printable;

use crate::story::print_line;

/// Prints rows under their heads, each column as wide as its widest cell. Nothing is printed for no rows.
pub fn print(heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    for line in lines(heads, rows) {
        print_line(&line);
    }
}

fn lines(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    // Names and errors come from others.
    let plain = |row: &Vec<String>| row.iter().map(|cell| printable(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(plain).collect();
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heads).chain(&rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded = cells.map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.into_iter().map(line).collect()
}

/// Numbers, separated by commas; a dash for none.
pub fn numbers(all: &[u16]) -> String {
    if all.is_empty() {
        return "-".to_owned();
    }
    let all: Vec<String> = all.iter().map(u16::to_string).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_is_as_wide_as_its_widest_cell() {
        let rows = [
            vec!["alice".to_owned(), "1".to_owned()],
            vec!["é".to_owned(), "22,3".to_owned()],
        ];
        let lines = lines(&["who", "seats"], &rows);
        assert_eq!(lines, ["who    seats", "alice  1", "é      22,3"]);
        assert_eq!((numbers(&[]), numbers(&[3, 1])), ("-".into(), "3,1".into()));
    }
}
