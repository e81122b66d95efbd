//! Which way imports go, as ARCHITECTURE.md has it: the modules of the library in one order, and no
//! circle anywhere, neither among these nor among the files of one folder. The compiler allows both.

use crate::common::sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sources::{files, name, none, product_lines, read, root};

/// What the stages stand on; each uses only those before it.
const FOUNDATION: [&str; 6] = ["words", "kind", "finding", "monitor", "durable", "sqlite"];

/// The stages in the order of the data. `error` gathers the errors of those before it.
const STAGES: [&str; 17] = [
    "source",
    "snapshot",
    "destination",
    "stored",
    "geopackage",
    "verify",
    "judgement",
    "error",
    "backup",
    "diff",
    "restore",
    "inspect",
    "retention",
    "schedule",
    "report",
    "jobs",
    "wire",
];

/// A module by its path: `["snapshot", "pages"]`; that of the crate is empty.
type Module = Vec<String>;

/// The code of each module of a crate, without comments and unit tests.
struct Crate {
    code: BTreeMap<Module, String>,
    /// What a module passes on: `pub use pages::Reader` in `snapshot` leads to `pages`.
    passed_on: BTreeMap<(Module, String), Module>,
}

impl Crate {
    fn read(src: &Path) -> Self {
        let mut code = BTreeMap::new();
        for path in files(src, ".rs") {
            let below = path.strip_prefix(src).unwrap().with_extension("");
            let mut module: Module = below
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            match module.last().unwrap().as_str() {
                "tests" => continue,
                "mod" | "lib" | "main" => drop(module.pop()),
                _ => {}
            }
            let lines = product_lines(&read(&path)).into_iter();
            let lines: Vec<_> = lines.map(|(_, line)| line).collect();
            code.insert(module, lines.join("\n"));
        }
        Self::of(code)
    }

    fn of(code: BTreeMap<Module, String>) -> Self {
        let mut all = Self {
            code,
            passed_on: BTreeMap::new(),
        };
        for (module, text) in &all.code {
            for (at, _) in text.match_indices("use ") {
                for path in use_tree(&text[at + "use ".len()..]).0 {
                    let path = path.strip_prefix(&["self".to_owned()][..]).unwrap_or(&path);
                    if path.len() > 1 && all.is_child(module, &path[0]) {
                        let key = (module.clone(), path.last().unwrap().clone());
                        all.passed_on.insert(key, path.to_vec());
                    }
                }
            }
        }
        all
    }

    fn is_child(&self, module: &[String], name: &str) -> bool {
        let child = [module, &[name.to_owned()]].concat();
        self.code.contains_key(&child)
    }

    /// The module in which `path` ends, seen from `module`.
    fn resolve(&self, mut module: Module, path: &[String], depth: usize) -> Module {
        for (n, word) in path.iter().enumerate() {
            let key = (module.clone(), word.clone());
            if self.is_child(&module, word) {
                module.push(word.clone());
            } else if let Some(to) = self.passed_on.get(&key).filter(|_| depth < 9) {
                let path = [&to[..], &path[n + 1..]].concat();
                return self.resolve(module, &path, depth + 1);
            } else {
                break;
            }
        }
        module
    }

    /// The modules that the code of `module` names.
    fn used_by(&self, module: &Module) -> Vec<Module> {
        let text = &self.code[module];
        let mut used = Vec::new();
        for start in ["crate::", "super::", "self::"] {
            for (at, _) in text.match_indices(start) {
                let before = text[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                for path in use_tree(&text[at..]).0 {
                    let mut from = module.clone();
                    let mut rest = &path[..];
                    while let Some((first, others)) = rest.split_first() {
                        match first.as_str() {
                            "crate" => from.clear(),
                            "super" => drop(from.pop()),
                            "self" => {}
                            _ => break,
                        }
                        rest = others;
                    }
                    used.push(self.resolve(from, rest, 0));
                }
            }
        }
        used
    }

    /// For each module with others in it, which of these use which: `a` uses `b` if anything in `a`
    /// names something in `b`. A module and what lies in it belong together.
    fn edges(&self) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
        let mut edges: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for module in self.code.keys() {
            for used in self.used_by(module) {
                let common = std::iter::zip(module, &used)
                    .take_while(|(a, b)| a == b)
                    .count();
                if let (Some(a), Some(b)) = (module.get(common), used.get(common)) {
                    let parent = edges.entry(module[..common].to_vec()).or_default();
                    parent.entry(a.clone()).or_default().insert(b.clone());
                }
            }
        }
        edges
    }
}

/// The paths of `a::{b, c::{d, self}} …`, and what follows them.
fn use_tree(text: &str) -> (Vec<Module>, &str) {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        let mut all = Vec::new();
        loop {
            rest = rest.trim_start_matches([',', ' ', '\n']);
            if rest.is_empty() || rest.starts_with('}') {
                return (all, rest.get(1..).unwrap_or_default());
            }
            let (paths, after) = use_tree(rest);
            all.extend(paths);
            let end = after.find([',', '}']).unwrap_or(after.len());
            rest = &after[end..];
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let goes_on = rest.strip_prefix("::").filter(|rest| {
        let next = rest.trim_start().chars().next();
        !word.is_empty() && next.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '{')
    });
    let (mut paths, rest) = goes_on.map_or((vec![Vec::new()], rest), use_tree);
    for path in &mut paths {
        path.insert(0, word.to_owned());
    }
    (paths, rest)
}

/// Those that can be reached from themselves.
fn in_circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
    let mut found = Vec::new();
    for start in edges.keys() {
        let mut reached = BTreeSet::new();
        let mut next = vec![start];
        while let Some(one) = next.pop() {
            for other in edges.get(one).into_iter().flatten() {
                if reached.insert(other) {
                    next.push(other);
                }
            }
        }
        if reached.contains(start) {
            found.push(start.as_str());
        }
    }
    found
}

fn src(krate: &str) -> std::path::PathBuf {
    root().join("crates").join(krate).join("src")
}

#[test]
fn no_file_uses_another_that_uses_it() {
    let mut faults = Vec::new();
    for krate in ["sozip", "geokeep", "geokeep-cli", "testkit"] {
        let all = Crate::read(&src(krate));
        assert!(all.code.len() > 9, "{krate} is not where it should be");
        for (parent, edges) in all.edges() {
            let circle = in_circles(&edges);
            let parent = parent.join("/");
            if !circle.is_empty() {
                faults.push(format!("{krate}/src/{parent}: {}", circle.join(", ")));
            }
        }
    }
    none(&faults, "of two files one uses the other, not both");
}

#[test]
fn imports_go_one_way() {
    let order: Vec<_> = FOUNDATION.iter().chain(&STAGES).copied().collect();
    let all = Crate::read(&src("geokeep"));
    let mut faults = Vec::new();
    for module in all.code.keys().filter(|module| module.len() == 1) {
        if !order.contains(&module[0].as_str()) {
            faults.push(format!("{}: has no place in the order yet", module[0]));
        }
    }
    let place = |name: &str| order.iter().position(|one| *one == name);
    for (module, used) in &all.edges()[&Vec::new()] {
        for other in used.iter().filter(|other| place(other) >= place(module)) {
            faults.push(format!("{module} uses {other}"));
        }
    }
    none(
        &faults,
        "a stage uses only the stages before it, and the foundation",
    );
}

#[test]
fn the_library_lists_its_stages_in_the_order_of_the_data() {
    let text = read(&src("geokeep").join("lib.rs"));
    let listed: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';')
        })
        .filter(|module| STAGES.contains(module) && *module != "error")
        .collect();
    let public: Vec<_> = STAGES
        .into_iter()
        .filter(|stage| *stage != "error")
        .collect();
    assert_eq!(listed, public);
}

#[test]
fn circles_are_noticed() {
    let code = [
        ("", "mod a;\nmod b;\npub use b::two::Thing;"),
        ("a", "use crate::{b::{self, one}, Thing as Other};"),
        ("b", "mod one;\nmod two;\nuse one::First;"),
        ("b/one", "fn f() { super::two::g() }"),
        ("b/two", "use super::{\n    First,\n};"),
    ];
    let modules = code.into_iter().map(|(path, text)| {
        let parts = path.split('/').filter(|part| !part.is_empty());
        (parts.map(str::to_owned).collect(), text.to_owned())
    });
    let all = Crate::of(modules.collect());
    let used = |module: &str| -> BTreeSet<String> {
        let module = module.split('/').map(str::to_owned).collect();
        let used = all.used_by(&module).into_iter();
        used.map(|module| module.join("/")).collect()
    };
    let is = |module: &str, expected: &[&str]| {
        assert!(
            used(module).iter().eq(expected),
            "{module}: {:?}",
            used(module)
        );
    };
    is("a", &["b", "b/one", "b/two"]);
    is("b/one", &["b/two"]);
    is("b/two", &["b/one"]);
    let edges = all.edges();
    assert!(in_circles(&edges[&Vec::new()]).is_empty());
    assert_eq!(in_circles(&edges[&vec!["b".to_owned()]]), ["one", "two"]);
    assert_eq!(name(&root().join("a/b")), "a/b");
}
