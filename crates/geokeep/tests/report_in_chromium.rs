//! The page of a report in a real browser: nothing runs, nothing is fetched, names are text, and the
//! colours are there. Skipped where there is no Chromium (Debian's package `chromium`).
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::page::{HOSTILE, hostile, report, source, stored};
use scraper::{Html, Selector};
use tempfile::TempDir;

const FRESH: [u8; 3] = [0x1b, 0x7a, 0x4a];
const OLD: [u8; 3] = [0xa1, 0x5c, 0x00];
const NONE: [u8; 3] = [0xb3, 0x26, 0x1e];
const FRESH_IN_THE_DARK: [u8; 3] = [0x5c, 0xc4, 0x8b];

struct Browser {
    program: PathBuf,
    folder: TempDir,
}

impl Browser {
    fn find() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let at = |name| folders.iter().map(move |folder| folder.join(name));
        let Some(program) = names.into_iter().flat_map(at).find(|path| path.is_file()) else {
            testkit::skipped("no Chromium is installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        Some(Self { program, folder })
    }

    /// Opens a page; what it printed, and what the console of the page said.
    fn open(&self, html: &str, arguments: &[&str]) -> (String, String) {
        let page = self.folder.path().join("page with spaces.html");
        fs::write(&page, html).unwrap();
        let output = Command::new(&self.program)
            // Root, as whom tests run in containers, has no sandbox; the page is our own.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            .args(["--disable-dev-shm-usage", "--enable-logging=stderr"])
            .arg(format!(
                "--user-data-dir={}",
                self.folder.path().join("profile").display()
            ))
            .args(arguments)
            .arg(&page)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        let console = log.lines().filter(|line| line.contains(":CONSOLE"));
        let console = console.collect::<Vec<_>>().join("\n");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            console,
        )
    }

    fn picture(&self, html: &str, arguments: &[&str]) -> Picture {
        let file = self.folder.path().join("picture.png");
        let screenshot = format!("--screenshot={}", file.display());
        let (_, console) = self.open(html, &[&[screenshot.as_str()], arguments].concat());
        assert_eq!(console, "");
        Picture::read(&file)
    }
}

struct Picture {
    width: usize,
    height: usize,
    /// How many pixels have each colour.
    colours: BTreeMap<[u8; 3], usize>,
}

impl Picture {
    fn read(file: &Path) -> Self {
        let mut reader = png::Decoder::new(BufReader::new(File::open(file).unwrap()));
        reader.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = reader.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let mut colours = BTreeMap::new();
        for pixel in pixels[..info.buffer_size()].chunks(info.color_type.samples()) {
            *colours.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
        Self {
            width: info.width as usize,
            height: info.height as usize,
            colours,
        }
    }

    fn of(&self, colour: [u8; 3]) -> usize {
        self.colours.get(&colour).copied().unwrap_or(0)
    }
}

fn one_of_each() -> String {
    let sources = vec![
        source("a", vec![stored("a", 20), stored("a", 3)]),
        source("b", vec![stored("b", 24 * 9)]),
        source("c", vec![]),
    ];
    report(sources).html()
}

#[test]
fn the_page_is_drawn_in_its_colours() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let html = one_of_each();
    let light = browser.picture(&html, &["--window-size=1200,2400"]);
    assert_eq!((light.width, light.height), (1200, 2400));
    // Badges, large ages and numbers: some hundreds of pixels each.
    for colour in [FRESH, OLD, NONE] {
        assert!(light.of(colour) > 500, "{colour:x?}: {}", light.of(colour));
    }
    let commonest = light.colours.values().max().unwrap();
    assert!(*commonest < 1200 * 2400 * 99 / 100, "the page is blank");
    let fresh_only = report(vec![source("a", vec![stored("a", 3)])]).html();
    let fresh_only = browser.picture(&fresh_only, &["--window-size=1200,2400"]);
    assert!(fresh_only.of(FRESH) > 500 && fresh_only.of(NONE) == 0);
    let dark = [
        "--window-size=1200,2400",
        "--blink-settings=preferredColorScheme=0",
    ];
    let dark = browser.picture(&html, &dark);
    assert!(dark.of(FRESH_IN_THE_DARK) > 500 && dark.of(FRESH) == 0);
}

#[test]
fn hostile_names_are_text_and_nothing_runs() {
    let Some(browser) = Browser::find() else {
        return;
    };
    // The oracle hears a script, so that its silence says something.
    let (_, heard) = browser.open("<script>console.error('heard')</script>", &["--dump-dom"]);
    assert!(heard.contains("heard"), "{heard}");

    let (dom, console) = browser.open(&report(vec![hostile()]).html(), &["--dump-dom"]);
    assert_eq!(console, "");
    let page = Html::parse_document(&dom);
    let all = |selector: &str| {
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector)
            .map(|e| e.text().collect::<String>())
            .collect::<Vec<_>>()
    };
    assert_eq!(all("script").len(), 1, "the page's own");
    for element in ["img", "iframe", "base", "b"] {
        assert!(all(element).is_empty(), "{element}");
    }
    let names = all(".contents td.name bdi");
    for name in HOSTILE.iter().filter(|name| name.chars().count() < 100) {
        assert!(
            names.contains(&geokeep::words::one_line(name)),
            "{name:?}: {names:?}"
        );
    }
}

/// A page that can be scrolled sideways does not fit a telephone.
#[test]
fn it_fits_a_telephone_and_three_hundred_files() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let mut sources: Vec<_> = (0..300)
        .map(|n| {
            source(
                &format!("file{n}"),
                vec![stored("a", 30), stored("a", n % 80)],
            )
        })
        .collect();
    sources.push(hostile());
    let html = report(sources).html();
    // The browser measures; what it found comes back in the title.
    let measure = "<script>addEventListener('load', () => { const e = document.scrollingElement; \
                   document.title = `${e.scrollWidth} of ${innerWidth}, ${document.images.length}`; })</script></body>";
    let (start, end) = html.rsplit_once("</body>").unwrap();
    let policy = html
        .split('"')
        .find(|part| part.starts_with("default-src"))
        .unwrap();
    let html = format!("{start}{measure}{end}").replace(policy, "default-src 'unsafe-inline'");
    for width in [600, 1200] {
        let window = format!("--window-size={width},900");
        let (dom, _) = browser.open(&html, &["--dump-dom", &window]);
        let title = dom
            .split("<title>")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap();
        assert_eq!(title, format!("{width} of {width}, 0"));
    }
}
