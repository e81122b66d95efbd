//! From TOML to the tables of `geokeep.toml`: each key is named once, in `format.rs`, and what is
//! wrong is known by its place and its kind.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{AUTO, Expected, Fault, Wrong};
use super::way::Way;
use crate::retention::parse_span;
use crate::snapshot::Method;
use crate::source::Exclude;
use crate::words::{bytes, duration};

/// Defines a table of the file, and how it is read. A key without a default must be there.
macro_rules! table {
    ($(#[$doc:meta])* $vis:vis $name:ident is $shown:literal {
        $($(#[$field_doc:meta])* $key:ident: $kind:ty $(= $default:expr)?,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $name {
            $($(#[$field_doc])* pub $key: $kind,)*
        }

        impl $name {
            /// What people call it.
            pub(super) const SHOWN: &str = $shown;
            /// What may stand in it.
            pub(super) const KEYS: &[&str] = &[$(stringify!($key)),*];
        }

        impl Read for $name {
            const EXPECTED: Expected = Expected::Table;

            fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
                let given = Given::new(value, Self::SHOWN, Self::KEYS)?;
                Ok(Self {
                    $($key: match given.get(stringify!($key))? {
                        Some(read) => read,
                        None => table!(@absent given, $key $(, $default)?),
                    },)*
                })
            }
        }
    };
    (@absent $given:ident, $key:ident, $default:expr) => { $default };
    (@absent $given:ident, $key:ident) => { return Err($given.missing(stringify!($key))) };
}
pub(super) use table;

/// A table as it was given.
pub(super) struct Given<'a> {
    table: &'a DeTable<'a>,
    at: Range<usize>,
    shown: &'static str,
}

impl<'a> Given<'a> {
    /// Refuses the first key that is not one of `keys`.
    pub(super) fn new(
        value: &'a Spanned<DeValue<'a>>,
        shown: &'static str,
        keys: &'static [&'static str],
    ) -> Result<Self, Wrong> {
        let table = value.get_ref().as_table();
        let table = table.ok_or_else(|| mistaken(value, Expected::Table))?;
        let unknown = table.keys().filter(|key| !keys.contains(&&**key.get_ref()));
        if let Some(key) = unknown.min_by_key(|key| key.span().start) {
            let fault = Fault::UnknownKey {
                key: key.get_ref().to_string(),
                table: shown,
                keys,
            };
            return Err(Wrong {
                at: key.span(),
                fault,
            });
        }
        let at = value.span();
        Ok(Self { table, at, shown })
    }

    pub(super) fn get<T: Read>(&self, key: &str) -> Result<Option<T>, Wrong> {
        self.table.get(key).map(T::read).transpose()
    }

    pub(super) fn missing(&self, key: &'static str) -> Wrong {
        let table = self.shown;
        Wrong {
            at: self.at.clone(),
            fault: Fault::Missing { key, table },
        }
    }
}

fn mistaken(value: &Spanned<DeValue<'_>>, expected: Expected) -> Wrong {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Wrong {
        at: value.span(),
        fault: Fault::WrongType { expected, found },
    }
}

fn unfit(value: &Spanned<DeValue<'_>>, shown: &str, expected: &'static str) -> Wrong {
    Wrong {
        at: value.span(),
        fault: Fault::Unfit {
            value: shown.to_owned(),
            expected,
        },
    }
}

/// What can be read from a value.
pub(super) trait Read: Sized {
    const EXPECTED: Expected;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong>;
}

impl Read for String {
    const EXPECTED: Expected = Expected::Text;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| mistaken(value, Self::EXPECTED))?;
        Ok(text.to_owned())
    }
}

impl Read for PathBuf {
    const EXPECTED: Expected = Expected::Text;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        String::read(value).map(Self::from)
    }
}

impl Read for bool {
    const EXPECTED: Expected = Expected::Flag;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let flag = value.get_ref().as_bool();
        flag.ok_or_else(|| mistaken(value, Self::EXPECTED))
    }
}

impl Read for u32 {
    const EXPECTED: Expected = Expected::Number;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let number = value.get_ref().as_integer();
        let number = number.ok_or_else(|| mistaken(value, Self::EXPECTED))?;
        let read = Self::from_str_radix(number.as_str(), number.radix());
        read.map_err(|_| unfit(value, &number.to_string(), "a number from 0 to 4294967295"))
    }
}

/// A part of a hundred.
impl Read for u8 {
    const EXPECTED: Expected = Expected::Number;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let number = value.get_ref().as_integer();
        let number = number.ok_or_else(|| mistaken(value, Self::EXPECTED))?;
        let read = Self::from_str_radix(number.as_str(), number.radix());
        read.ok()
            .filter(|percent| *percent <= 100)
            .ok_or_else(|| unfit(value, &number.to_string(), "a percentage, 0 to 100"))
    }
}

impl Read for Duration {
    const EXPECTED: Expected = Expected::Text;

    /// As on the command line, but with a unit: `max_age = "26"` is hardly meant as seconds.
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let text = String::read(value)?;
        let has_unit = text.ends_with(|last: char| !last.is_ascii_digit());
        let read = duration(&text).filter(|_| has_unit);
        read.ok_or_else(|| unfit(value, &text, "a time such as 30s, 5m or 26h"))
    }
}

/// A length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Read for Bytes {
    const EXPECTED: Expected = Expected::Text;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let text = String::read(value)?;
        let read = bytes(&text).map(Self);
        read.ok_or_else(|| unfit(value, &text, "a length such as 500 MB or 2 GB"))
    }
}

impl Read for jiff::Span {
    const EXPECTED: Expected = Expected::Text;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let text = String::read(value)?;
        parse_span(&text).ok_or_else(|| unfit(value, &text, "a span such as 30d or 1y6m"))
    }
}

impl Read for Option<Method> {
    const EXPECTED: Expected = Expected::Text;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let name = String::read(value)?;
        if name == AUTO {
            return Ok(None);
        }
        let method = Method::ALL.into_iter().find(|one| one.as_str() == name);
        method.map(Some).ok_or_else(|| Wrong {
            at: value.span(),
            fault: Fault::UnknownMethod { name },
        })
    }
}

impl Read for Way {
    const EXPECTED: Expected = Expected::Text;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let name = String::read(value)?;
        let way = Self::ALL.into_iter().find(|way| way.as_str() == name);
        way.ok_or_else(|| unfit(value, &name, "one of mail, desktop, command"))
    }
}

impl Read for Exclude {
    const EXPECTED: Expected = Expected::List;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| mistaken(value, Self::EXPECTED))?;
        let mut exclude = Self::default();
        for one in list {
            let text = String::read(one)?;
            let added = exclude.add(&text);
            added.map_err(|_| unfit(one, &text, "a pattern such as *_tmp.gpkg or old/*"))?;
        }
        Ok(exclude)
    }
}

impl<T: Read> Read for Vec<T> {
    const EXPECTED: Expected = match T::EXPECTED {
        Expected::Table => Expected::Tables,
        _ => Expected::List,
    };

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| mistaken(value, Self::EXPECTED))?;
        list.iter().map(T::read).collect()
    }
}

impl<T: Read> Read for Option<T> {
    const EXPECTED: Expected = T::EXPECTED;

    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Wrong> {
        T::read(value).map(Some)
    }
}
