//! A member for mixed test sessions with other FROST libraries.

fn main() {}
