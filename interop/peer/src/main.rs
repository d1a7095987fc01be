//! Our half of a mixed session.
fn main() {}
