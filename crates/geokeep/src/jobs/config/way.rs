//! By what people hear of a run.

/// By what people hear of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A mail.
    Mail,
    /// What the desktop shows for a moment.
    Desktop,
    /// A program that gets the text.
    Command,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mail, Self::Desktop, Self::Command];

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Desktop => "desktop",
            Self::Command => "command",
        }
    }
}
