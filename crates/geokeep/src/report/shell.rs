//! A command that can be copied into a shell, whatever the names in it.

/// A word as a POSIX shell reads it back. Control characters, which nobody could copy from a page,
/// are written as `$'\ooo'`.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if crate::words::one_line(word) == word {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut text = String::from("$'");
    for c in word.chars() {
        if c == '\'' || c == '\\' {
            text.push('\\');
            text.push(c);
        } else if crate::words::one_line(c.encode_utf8(&mut [0; 4])).contains(c) {
            text.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                text.push_str(&format!("\\{byte:03o}"));
            }
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        for word in [
            "plain.gpkg",
            "",
            "two words",
            "it's; $(rm -rf ~) `x` \"y\" \\ !",
            "line\nbreak\ttab\u{1b}[31m",
            "turned\u{202e}round'\\",
            "Grundstücke 東京",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let shell = std::process::Command::new("bash")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), word, "{script}");
        }
    }

    #[test]
    fn a_simple_name_stays_as_it_is() {
        assert_eq!(quoted("/mnt/backup/a-1.gpkg"), "/mnt/backup/a-1.gpkg");
    }
}
