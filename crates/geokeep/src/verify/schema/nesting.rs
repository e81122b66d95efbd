//! How deeply definitions are nested. SQLite takes one view within another by calling itself, once
//! for each level, and does not count: some thousands of views of views overflow the stack, which
//! ends the process.

use std::collections::HashMap;

/// Levels that are taken. Some kilobytes of stack each, of the 2 MiB that a thread has.
const LEVELS_MAX: u32 = 400;

/// What one definition adds, and the names in it.
#[derive(Debug, Default)]
pub(super) struct Definition {
    levels: u32,
    names: Vec<String>,
}

impl Definition {
    pub(super) fn of(sql: &str) -> Self {
        let (mut open, mut deepest, mut tables) = (0u32, 0, 0);
        let mut after_as = false;
        let mut names = Vec::new();
        for token in tokens(sql) {
            let is =
                |keyword| matches!(&token, Token::Name(name) if name.eq_ignore_ascii_case(keyword));
            let still = after_as && (is("not") || is("materialized"));
            after_as = match &token {
                Token::Open => {
                    open += 1;
                    deepest = deepest.max(open);
                    // A common table expression: it may name the one before it.
                    tables += u32::from(after_as);
                    false
                }
                Token::Close => {
                    open = open.saturating_sub(1);
                    false
                }
                Token::Name(_) => is("as") || still,
            };
            if let Token::Name(name) = token {
                names.push(name.to_ascii_lowercase());
            }
        }
        names.sort();
        names.dedup();
        Self {
            levels: 1 + deepest + tables,
            names,
        }
    }
}

/// The names of those definitions that are nested too deeply, or in themselves.
pub(super) fn too_deep(definitions: &HashMap<String, Definition>) -> Vec<String> {
    // Each text names what it defines. What is made of itself SQLite refuses.
    let refers = |own: &String, definition: &Definition| -> Vec<String> {
        let names = definition.names.iter().filter(|name| *name != own);
        names
            .filter(|name| definitions.contains_key(*name))
            .cloned()
            .collect()
    };
    let refers: HashMap<_, _> = definitions
        .iter()
        .map(|(name, d)| (name, refers(name, d)))
        .collect();
    let mut levels: HashMap<&str, u32> = HashMap::new();
    // Each round takes one level more into account. It ends: nothing grows beyond the limit.
    let mut grown = true;
    while grown {
        grown = false;
        for (name, definition) in definitions {
            let below = refers[name]
                .iter()
                .filter_map(|name| levels.get(name.as_str()));
            let all = definition
                .levels
                .saturating_add(below.max().copied().unwrap_or(0));
            let all = all.min(LEVELS_MAX + 1);
            grown |= levels.insert(name, all) != Some(all);
        }
    }
    let deep = levels
        .into_iter()
        .filter(|(_, levels)| *levels > LEVELS_MAX);
    deep.map(|(name, _)| name.to_owned()).collect()
}

enum Token {
    Name(String),
    Open,
    Close,
}

/// Names, keywords and brackets, as SQLite finds them: quoted in any of its ways, between comments.
fn tokens(sql: &str) -> impl Iterator<Item = Token> {
    let mut rest = sql.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = rest.next()?;
            match c {
                '(' => return Some(Token::Open),
                ')' => return Some(Token::Close),
                '"' | '`' | '\'' | '[' => {
                    let end = if c == '[' { ']' } else { c };
                    let mut name = String::new();
                    while let Some((_, next)) = rest.next() {
                        if next == end {
                            // Twice is the sign itself, but for brackets.
                            if c == '[' || rest.next_if(|(_, after)| *after == end).is_none() {
                                break;
                            }
                        }
                        name.push(next);
                    }
                    return Some(Token::Name(name));
                }
                '-' if rest.next_if(|(_, next)| *next == '-').is_some() => {
                    while rest.next_if(|(_, next)| *next != '\n').is_some() {}
                }
                '/' if rest.next_if(|(_, next)| *next == '*').is_some() => {
                    let mut last = ' ';
                    for (_, next) in rest.by_ref() {
                        if last == '*' && next == '/' {
                            break;
                        }
                        last = next;
                    }
                }
                c if is_part(c) => {
                    let mut end = at + c.len_utf8();
                    while let Some((at, c)) = rest.next_if(|(_, c)| is_part(*c)) {
                        end = at + c.len_utf8();
                    }
                    return Some(Token::Name(sql[at..end].to_owned()));
                }
                _ => {}
            }
        }
    })
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(definitions: &[(&str, &str)]) -> Vec<String> {
        let all = definitions.iter();
        let all = all.map(|(name, sql)| ((*name).to_owned(), Definition::of(sql)));
        let mut names = too_deep(&all.collect());
        names.sort();
        names
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let sql = "SELECT x.a FROM \"q \"\"1\"\"\" JOIN [b 2], `c``3`, 'd''4' /* e * / */, -- f\n Ä5(g) /* h";
        let names = Definition::of(sql).names;
        let expected = [
            "a", "b 2", "c`3", "d'4", "from", "g", "join", "q \"1\"", "select", "x", "Ä5",
        ];
        assert_eq!(names, expected.map(str::to_ascii_lowercase));
    }

    #[test]
    fn chains_and_circles_are_too_deep_and_a_wide_fan_is_not() {
        let chain: Vec<_> = (0..1000)
            .map(|n| {
                (
                    format!("v{n}"),
                    format!("CREATE VIEW v{n} AS SELECT a FROM \"V{}\"", n + 1),
                )
            })
            .collect();
        let chain: Vec<_> = chain
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let found = deep(&chain);
        assert!(found.contains(&"v0".to_owned()) && !found.contains(&"v700".to_owned()));
        let circle = [
            ("a", "SELECT * FROM b"),
            ("b", "SELECT * FROM a"),
            ("c", "SELECT 1"),
        ];
        assert_eq!(deep(&circle), ["a", "b"]);
        let brackets = format!("SELECT a FROM {}t{}", "(".repeat(500), ")".repeat(500));
        assert_eq!(
            deep(&[("a", &brackets), ("b", "SELECT * FROM a")]),
            ["a", "b"]
        );
        let lines: Vec<_> = (1..500)
            .map(|n| format!("c{n} AS NOT MATERIALIZED (SELECT a FROM c{})", n - 1))
            .collect();
        assert_eq!(deep(&[("a", &lines.join(", "))]), ["a"]);
        let columns: Vec<_> = (1..1500).map(|n| format!("a AS \"c{n}\"")).collect();
        assert_eq!(deep(&[("a", &columns.join(", "))]), Vec::<String>::new());
        let fan: Vec<_> = (0..1000).map(|n| format!("SELECT {n} FROM leaf")).collect();
        let all = fan.join(" UNION ALL ");
        assert_eq!(
            deep(&[("all", &all), ("leaf", "SELECT 1 AS a")]),
            Vec::<String>::new()
        );
    }
}
