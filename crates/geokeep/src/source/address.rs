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

/// `None` if what comes out is no text.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%');
        let code = code.filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// `C:/…` or `C:\…`.
pub(super) fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}
