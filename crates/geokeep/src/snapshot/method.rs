//! The ways of taking a snapshot.

/// A way of taking a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every page in one read transaction, without a trace beside the source.
    Pages,
    /// SQLite's backup API, in bounded steps.
    Online,
    /// `VACUUM INTO`: compact, but every page moves.
    Vacuum,
    /// By way of a working copy, in which what a dead program left is recovered.
    Copy,
    /// A translation by GDAL's `ogr2ogr`, with a list of what it leaves behind.
    Ogr,
}

impl Method {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Self; 5] = [
        Self::Pages,
        Self::Online,
        Self::Vacuum,
        Self::Copy,
        Self::Ogr,
    ];

    /// The name in the command and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Online => "online",
            Self::Vacuum => "vacuum",
            Self::Copy => "copy",
            Self::Ogr => "ogr",
        }
    }
}
