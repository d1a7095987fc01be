//! The rows of arithmetic as a picture, for light and for dark pages.

use std::fmt::Write;

use crate::table::Row;

const WIDTH: u32 = 1000;
/// Where the first row begins, and how far apart rows are.
const TOP: u32 = 84;
const STEP: u32 = 26;
/// Bars begin here, at a ratio of 10^FROM; ratios differ by a hundred, so a step to the right is a factor.
const LEFT: f64 = 440.0;
const FROM: f64 = -2.0;
const DECADE: f64 = 142.0;
const MARKS: [(f64, &str); 6] = [
    (0.01, "0.01"),
    (0.03, "0.03"),
    (0.1, "0.1"),
    (0.3, "0.3"),
    (1.0, "1"),
    (3.0, "3"),
];
/// The figures beside the bars.
const FIGURES: f64 = 826.0;

const STYLE: &str = "text { font: 13px sans-serif; fill: #1f2328 } .quiet { fill: #59636e }
.strong { font-weight: bold } .page { fill: #ffffff } .grid { stroke: #d1d9e0 }
.goal { stroke: #1f2328; stroke-width: 2.5 } .met { fill: #4c9f70 } .unmet { fill: #d98a5f }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #9198a1 } .page { fill: #0d1117 } .grid { stroke: #3d444d }
.goal { stroke: #e6edf3 } .met { fill: #3a8a5c } .unmet { fill: #b8663c } }";

fn place(ratio: f64) -> f64 {
    LEFT + DECADE * (ratio.log10().max(FROM) - FROM)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn grid(out: &mut String, bottom: u32) {
    for (mark, name) in MARKS {
        let (x, y) = (place(mark), TOP - 12);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y}\" y2=\"{bottom}\"/>\
             <text class=\"quiet\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            y - 5
        );
    }
}

/// The name, the bar, the goal as a line across it, and both as figures: colour alone says nothing.
fn bar(out: &mut String, y: u32, row: &Row) {
    let (class, said) = match row.met {
        Some(true) => ("met", "met"),
        Some(false) => ("unmet", "not met"),
        None => ("quiet", ""),
    };
    let _ = writeln!(
        out,
        "<text x=\"16\" y=\"{0}\">{1} <tspan class=\"quiet\">/ {2}</tspan></text>\
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{3:.1}\" height=\"16\" rx=\"2\"/>\
         <text class=\"strong\" x=\"{FIGURES}\" y=\"{0}\">{4:.3}</text>",
        y + 13,
        escaped(&row.what),
        escaped(row.beside),
        place(row.ratio) - LEFT,
        row.ratio,
    );
    if let Some(goal) = row.goal {
        let _ = writeln!(
            out,
            "<line class=\"goal\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1}\" y2=\"{2}\"/>\
             <text class=\"quiet\" x=\"{3}\" y=\"{4}\">≤ {goal}, {said}</text>",
            place(goal),
            y - 3,
            y + 19,
            FIGURES + 48.0,
            y + 13,
        );
    }
}

/// A bar for each row: its ratio, with a line at the goal.
pub fn picture((threshold, members): (u16, u16), rows: &[Row]) -> String {
    let places = (0..).map(|row| TOP + STEP * row);
    let bottom = places.clone().nth(rows.len()).unwrap_or(TOP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\">\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n\
         <text class=\"strong\" x=\"16\" y=\"26\">Our processor time as a fraction of the \
         other\u{2019}s, {threshold} of {members}</text>\n\
         <text class=\"quiet\" x=\"16\" y=\"46\">One run of `just bench`. Shorter is faster; \
         the scale is logarithmic; the line across is the goal.</text>\n",
        height = bottom + 12,
    );
    grid(&mut out, bottom);
    for (row, y) in rows.iter().zip(places) {
        bar(&mut out, y, row);
    }
    out + "</svg>\n"
}
