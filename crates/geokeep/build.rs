//! Refuses to build without the SQLite that the snapshots need, instead of failing at the first one.

const FLAGS: &str = "LIBSQLITE3_FLAGS";
const WANTED: &str = "-DSQLITE_ENABLE_DBPAGE_VTAB";

fn main() {
    println!("cargo::rerun-if-env-changed={FLAGS}");
    let flags = std::env::var(FLAGS).unwrap_or_default();
    if !flags.split_whitespace().any(|flag| flag == WANTED) {
        println!(
            "cargo::error=geokeep needs SQLite's page table: set {FLAGS}=\"{WANTED}\", as \
             .cargo/config.toml of its repository does, and build again"
        );
    }
}
