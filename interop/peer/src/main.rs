//! One Hardfrost member for mixed test sessions with other FROST libraries: a request per line of standard input, a
//! reply per line of standard output, both JSON. All its secrets are test data.

mod seat;
mod wire;

use std::io::{self, BufRead, Write};

use seat::Seat;
use serde_json::{json, Value};

/// What ends one request without an answer. The member lives on.
type Refusal = Box<dyn std::error::Error>;

fn answer(seat: &mut Seat, line: &str) -> Value {
    let asked = serde_json::from_str(line).map_err(Refusal::from);
    let answered = asked.and_then(|request| seat.answer(request));
    answered.unwrap_or_else(|refusal| json!({ "error": refusal.to_string() }))
}

fn main() -> io::Result<()> {
    let mut seat = Seat::default();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", answer(&mut seat, &line?))?;
        out.flush()?;
    }
    Ok(())
}
