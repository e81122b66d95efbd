//! Tests say what they cannot try on this machine.

use std::io::Write;

/// Says that a test, or a part of it, cannot be tried on this machine. Where `STRICT` is set in the
/// environment, nothing may be left out: then it fails.
#[track_caller]
pub fn skipped(why: &str) {
    untried(why);
    let strict = std::env::var_os("STRICT").is_some_and(|value| !value.is_empty());
    assert!(!strict, "not tried, and STRICT is set: {why}");
}

/// Says the same of what cannot be tried where everything else can: it is no fault under `STRICT`.
#[allow(clippy::print_stderr, reason = "says what was skipped")]
pub fn untried(why: &str) {
    eprintln!("skipped: {why}");
    // Runners show nothing of a test that passed; whoever started them reads this list.
    if let Some(list) = std::env::var_os("TESTKIT_SKIPPED") {
        let thread = std::thread::current();
        let line = format!("{}: {why}\n", thread.name().unwrap_or("a test"));
        let mut list = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(list)
            .unwrap();
        // In one piece: many processes write to it.
        list.write_all(line.as_bytes()).unwrap();
    }
}
