//! The geokeep command.
fn main() {}
