//! Files by address: `file:///gis/town%20centre.gpkg`.

/// The path of a local file: as it is, or out of a `file:` address.
pub(super) fn local(text: &str) -> Option<String> {
    if text.starts_with("/vsi") {
        return None;
    }
    match text.split_once("://") {
        None => Some(text.to_owned()),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => {
            let path = percent_decoded(rest)?;
            match path.strip_prefix('/') {
                Some(path) if has_drive(path) => Some(path.to_owned()),
                Some(_) => Some(path),
                None => match path.strip_prefix("localhost/") {
                    Some(path) => Some(format!("/{path}")),
                    None => Some(format!("//{path}")),
                },
            }
        }
        Some(_) => None,
    }
}

/// `None` if the result is not text.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.ok().map(Into::into)
}

/// `C:/…` or `C:\…`.
pub(super) fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}
