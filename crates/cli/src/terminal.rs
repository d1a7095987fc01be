//! How wide the terminal is, and what is made short where it is too narrow. What is no terminal gets everything whole.

use std::io::IsTerminal;

/// A terminal that does not say how wide it is.
const COLUMNS_USUAL: usize = 80;
/// Narrower than this nothing is readable whatever is cut.
const COLUMNS_MIN: usize = 40;
/// Stands for what is cut away.
const CUT: char = '…';

/// Columns of the terminal that standard output is; none where it is something else.
pub fn columns() -> Option<usize> {
    let out = std::io::stdout();
    out.is_terminal().then(|| measured(&out))
}

/// The same of standard error.
pub fn error_columns() -> Option<usize> {
    let err = std::io::stderr();
    err.is_terminal().then(|| measured(&err))
}

fn measured(terminal: &impl std::os::fd::AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal);
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    match columns {
        0 => COLUMNS_USUAL,
        found => found.max(COLUMNS_MIN),
    }
}

/// The beginning of a text, no longer than `width`; an ellipsis where it is cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain([CUT]).collect()
}

/// Beginning and end of a text, no longer than `width`: of two keys these differ.
pub fn middle_cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let end = text.chars().skip(length - tail);
    text.chars().take(head).chain([CUT]).chain(end).collect()
}

/// Whether a person means this name: by its beginning, or as a table shows it, with the ellipsis where it was cut.
pub fn means(typed: &str, name: &str) -> bool {
    match typed.split_once(CUT) {
        None => name.starts_with(typed),
        Some((head, tail)) => {
            let rest = name.strip_prefix(head);
            rest.is_some_and(|rest| rest.ends_with(tail))
        }
    }
}

/// Hexadecimal or a name in a sentence for people: whole, unless standard output is a terminal.
pub fn short(text: &str) -> String {
    match columns() {
        Some(_) => middle_cut(text, 17),
        None => text.to_owned(),
    }
}

/// A sentence broken between words where the terminal ends, each further line indented by `indent`.
pub fn wrapped(line: &str, indent: usize) -> String {
    match columns() {
        Some(columns) => wrapped_at(line, indent, columns),
        None => line.to_owned(),
    }
}

/// The same at a given width. What is no sentence but longer than a line stays whole: it can still be copied.
pub fn wrapped_at(line: &str, indent: usize, columns: usize) -> String {
    let first = line.len() - line.trim_start().len();
    let mut out = " ".repeat(first);
    let mut column = first;
    for (place, word) in line.split_whitespace().enumerate() {
        let wide = word.chars().count();
        if place > 0 && column + 1 + wide > columns {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if place > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += wide;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so_and_is_as_wide_as_it_may_be() {
        assert_eq!(cut("alice", 5), "alice");
        assert_eq!(cut("alice and bob", 8), "alice a…");
        assert_eq!(middle_cut("0123456789", 10), "0123456789");
        assert_eq!(middle_cut("0123456789", 7), "012…789");
        assert_eq!(middle_cut("ééééééé", 4), "éé…é");
    }

    #[test]
    fn what_a_table_shows_can_be_typed() {
        let name = "02abcdef0123456789";
        let shown = [
            name.to_owned(),
            cut(name, 7),
            middle_cut(name, 9),
            "02".into(),
        ];
        assert!(shown.iter().all(|shown| means(shown, name)));
        for other in ["03", "02…8", "02abcdef0123456789…9", "b…"] {
            assert!(!means(other, name), "{other}");
        }
    }

    #[test]
    fn a_sentence_is_broken_between_words_and_a_long_word_is_not() {
        let broken = wrapped_at("   one two threeandmore", 6, 10);
        assert_eq!(broken, "   one two\n      threeandmore");
    }
}
