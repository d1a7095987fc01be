//! The hardfrost binary.
fn main() {}
