//! Columns for people.

use std::fmt::Display;

use hardfrost_spend::printable;

use crate::story::print_line;
use crate::terminal::{columns, cut, middle_cut};

/// Between two columns.
const GAP: usize = 2;

/// How a column gives way where the terminal is too narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// It stays whole.
    Nothing,
    /// Its middle, down to this width: hexadecimal.
    Middle(usize),
    /// Its end, down to this width: names.
    End(usize),
}

/// A column's head, and how it gives way.
pub struct Column {
    head: &'static str,
    gives: Gives,
}

impl Column {
    /// One that stays whole.
    pub const fn whole(head: &'static str) -> Self {
        let gives = Gives::Nothing;
        Self { head, gives }
    }

    /// Keys and hashes.
    pub const fn hex(head: &'static str) -> Self {
        let gives = Gives::Middle(13);
        Self { head, gives }
    }

    /// Names and what else people wrote.
    pub const fn text(head: &'static str) -> Self {
        let gives = Gives::End(9);
        Self { head, gives }
    }

    fn least(&self) -> usize {
        match self.gives {
            Gives::Nothing => usize::MAX,
            Gives::Middle(least) | Gives::End(least) => least,
        }
    }

    fn fit(&self, cell: &str, width: usize) -> String {
        match self.gives {
            Gives::Nothing => cell.to_owned(),
            Gives::Middle(_) => middle_cut(cell, width),
            Gives::End(_) => cut(cell, width),
        }
    }
}

/// Prints rows under their heads, each column as wide as its widest cell, and no wider than the terminal together.
/// Nothing is printed for no rows, and nothing is cut where standard output is no terminal.
pub fn print(heads: &[Column], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    for line in lines(heads, rows, columns()) {
        print_line(&line);
    }
}

fn lines(heads: &[Column], rows: &[Vec<String>], room: Option<usize>) -> Vec<String> {
    // Names and errors come from others.
    let plain = |row: &Vec<String>| row.iter().map(|cell| printable(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(plain).collect();
    let titles: Vec<String> = heads.iter().map(|it| it.head.to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&titles).chain(&rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..heads.len()).map(width).collect();
    if let Some(room) = room {
        give_way(heads, &mut widths, room);
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(heads).zip(&widths);
        let fitted = cells.map(|((cell, head), width)| {
            let cell = head.fit(cell, *width);
            format!("{cell:<width$}")
        });
        let gap = " ".repeat(GAP);
        fitted.collect::<Vec<_>>().join(&gap).trim_end().to_owned()
    };
    all.into_iter().map(line).collect()
}

/// Takes from the widest column that can give, until all fit or none can give any more.
fn give_way(heads: &[Column], widths: &mut [usize], room: usize) {
    let gaps = GAP * heads.len().saturating_sub(1);
    loop {
        let taken: usize = widths.iter().sum::<usize>() + gaps;
        let can = |(head, width): &(&Column, &mut usize)| **width > head.least();
        let widest = heads.iter().zip(widths.iter_mut()).filter(can);
        let widest = widest.max_by_key(|(_, width)| **width);
        match widest {
            Some((_, width)) if taken > room => *width -= 1,
            Some(_) | None => return,
        }
    }
}

/// Numbers, separated by commas; a dash for none.
pub fn numbers(all: &[u16]) -> String {
    if all.is_empty() {
        return "-".to_owned();
    }
    let all: Vec<String> = all.iter().map(u16::to_string).collect();
    all.join(",")
}

/// So many of something, in the singular where it is one.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, more: &str) -> String {
    let word = if count == N::from(1) { one } else { more };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 3]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn each_column_is_as_wide_as_its_widest_cell() {
        let heads = [Column::text("who"), Column::whole("seats")];
        let rows = [
            vec!["alice".to_owned(), "1".to_owned()],
            vec!["é".to_owned(), "22,3".to_owned()],
        ];
        let lines = lines(&heads, &rows, None);
        assert_eq!(lines, ["who    seats", "alice  1", "é      22,3"]);
        assert_eq!((numbers(&[]), numbers(&[3, 1])), ("-".into(), "3,1".into()));
        assert_eq!(counted(1u16, "seat", "seats"), "1 seat");
        assert_eq!(counted(0u64, "seat", "seats"), "0 seats");
    }

    #[test]
    fn a_narrow_terminal_costs_the_middle_of_keys_and_the_end_of_names() {
        let heads = [Column::hex("key"), Column::whole("t"), Column::text("name")];
        let key = "02".repeat(33);
        let rows = [row([&key, "2 of 3", "somebody whose name is long"])];
        let whole = lines(&heads, &rows, None);
        assert!(whole[1].contains(&key), "{whole:?}");
        for room in [80, 60, 44] {
            let cut = lines(&heads, &rows, Some(room));
            let widest = cut.iter().map(|line| line.chars().count()).max();
            assert_eq!(widest, Some(room), "{cut:?}");
            assert!(cut[1].contains('…') && cut[1].contains("2 of 3"), "{cut:?}");
        }
    }
}
