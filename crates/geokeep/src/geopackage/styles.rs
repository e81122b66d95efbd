//! Styles as what they mean. QGIS writes the attributes of the same style in another order each time
//! that it saves it, and draws new ids for its symbol layers.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What two spellings of the same XML have in common; `None` if it is no XML.
///
/// Attributes are sorted. The document type, comments, spaces between elements and ids that are
/// drawn at random say nothing.
pub(crate) fn canonical(xml: &[u8]) -> Option<[u8; 32]> {
    let mut reader = Reader::from_str(str::from_utf8(xml).ok()?);
    reader.config_mut().expand_empty_elements = true;
    let mut hasher = blake3::Hasher::new();
    let mut put = |mark: u8, text: &str| {
        hasher.update(&[mark]);
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    let (mut elements, mut open) = (0u64, 0u64);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                open += 1;
                put(b'<', start.name().as_ref());
                for (name, value) in attributes(&start)? {
                    put(b'@', &name);
                    put(b'=', &value);
                }
            }
            Event::End(_) => {
                open -= 1;
                put(b'>', "");
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                let text = text.trim_ascii();
                if !text.is_empty() {
                    put(b't', text);
                }
            }
            Event::CData(text) => put(b't', &text.xml10_content()),
            Event::GeneralRef(name) => put(b'&', &name),
            Event::Eof => break,
            _ => {}
        }
    }
    // The reader itself does not mind where the text ends.
    (elements > 0 && open == 0).then(|| *hasher.finalize().as_bytes())
}

fn attributes(start: &BytesStart<'_>) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let (name, value) = (
            attribute.key.as_ref().to_owned(),
            attribute.value.into_owned(),
        );
        if !(name == "id" && is_drawn(value.as_bytes())) {
            all.push((name, value));
        }
    }
    all.sort();
    Some(all)
}

/// `{5b9a9b3f-…}`: an id that QGIS draws anew.
fn is_drawn(id: &[u8]) -> bool {
    id.len() == 38
        && id.starts_with(b"{")
        && id.ends_with(b"}")
        && id[1..37]
            .iter()
            .all(|c| c.is_ascii_hexdigit() || *c == b'-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn spelling_is_nothing_and_content_is_all() {
        let style = br#"<!DOCTYPE qgis><qgis a="1" b="2">
            <layer id="{5b9a9b3f-0123-4567-89ab-0123456789ab}" x='1'/> text </qgis>"#;
        let same = br#"<qgis b="2" a="1"><layer x="1"
            id="{00000000-0123-4567-89ab-0123456789ab}"></layer>text</qgis>"#;
        assert_eq!(canonical(style).unwrap(), canonical(same).unwrap());
        for other in [
            r#"<qgis a="1" b="3"><layer x="1"/>text</qgis>"#,
            r#"<qgis a="1" b="2"><layer x="1" id="0"/>text</qgis>"#,
            r#"<qgis a="1" b="2"><layer x="1">text</layer></qgis>"#,
            r#"<qgis a="1" b="2"><layer x="1"/>text&amp;</qgis>"#,
        ] {
            assert_ne!(canonical(style), canonical(other.as_bytes()), "{other}");
        }
        for none in ["", "no XML", "<a><b></a>", "<a", "<a b=1>"] {
            assert_eq!(canonical(none.as_bytes()), None, "{none}");
        }
    }
}
