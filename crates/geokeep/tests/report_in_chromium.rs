//! The page of a report in a real browser: nothing runs but its own script, nothing is fetched, names
//! are text, the colours are there, and its summary is one sheet of paper. Skipped where there is no Chromium (Debian's package `chromium`).

use crate::common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::page::{HOSTILE, hostile, report, source, stored};
use geokeep::report::Report;
use jiff::{SignedDuration, Timestamp};
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
        self.open_at(html, "", arguments)
    }

    /// The same at a place within the page, `#file-1`.
    fn open_at(&self, html: &str, place: &str, arguments: &[&str]) -> (String, String) {
        let page = self.folder.path().join("page with spaces.html");
        fs::write(&page, html).unwrap();
        let address = format!("file://{}{place}", page.display()).replace(' ', "%20");
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
            .arg(&address)
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

    /// How many sheets of paper a page takes.
    fn sheets(&self, html: &str) -> usize {
        let file = self.folder.path().join("page.pdf");
        let print = format!("--print-to-pdf={}", file.display());
        self.open(html, &[&print, "--no-pdf-header-footer"]);
        let pdf = fs::read(&file).unwrap();
        let pdf = String::from_utf8_lossy(&pdf);
        let pages = pdf.split("/Type /Page").skip(1);
        pages.filter(|rest| !rest.starts_with('s')).count()
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

/// A report that is made now, of a file with a backup of seven hours ago.
fn of_today() -> Report {
    let now = Timestamp::now();
    let mut backup = stored("a", 3);
    backup.manifest.instant = now - SignedDuration::from_mins(7 * 60 + 5);
    let mut report = report(vec![source("a", vec![backup])]);
    report.made = now;
    report.expect_next_within(SignedDuration::from_hours(26));
    report
}

/// What matches, in the page as the browser has it in the end.
fn found(dom: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(dom);
    let selector = Selector::parse(selector).unwrap();
    let text = |e: scraper::ElementRef<'_>| e.text().collect::<String>().trim().to_owned();
    page.select(&selector).map(text).collect()
}

#[test]
fn ages_are_those_of_the_moment_in_which_the_page_is_opened() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let (dom, console) = browser.open(&of_today().html(), &["--dump-dom"]);
    assert_eq!(console, "");
    assert_eq!(found(&dom, ".age"), ["7 hours ago"]);
    assert_eq!(found(&dom, ".overview td:nth-child(3)"), ["7 hours ago"]);
    assert_eq!(found(&dom, ".out-of-date[hidden]").len(), 1);
    assert!(found(&dom, "body.stale").is_empty());
}

/// A page that nobody replaces tells of a green world for ever.
#[test]
fn a_page_says_itself_that_it_is_out_of_date() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let mut report = of_today();
    report.next_by = report.made - SignedDuration::from_mins(1);
    let html = report.html();
    let (dom, console) = browser.open(&html, &["--dump-dom"]);
    assert_eq!(console, "");
    assert_eq!(
        found(&dom, "body.stale .out-of-date:not([hidden])").len(),
        1
    );
    let picture = browser.picture(&html, &["--window-size=1200,2400"]);
    assert!(picture.of(NONE) > 5_000 && picture.of(FRESH) == 0);
}

#[test]
fn a_link_unfolds_the_card_that_it_leads_to() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let html = of_today().html();
    let (dom, _) = browser.open(&html, &["--dump-dom"]);
    assert!(found(&dom, "details.card[open]").is_empty());
    let (dom, _) = browser.open_at(&html, "#file-1", &["--dump-dom"]);
    assert_eq!(found(&dom, "details.card[open]").len(), 1);
}

#[test]
fn the_summary_of_three_hundred_files_is_one_sheet_of_paper() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let well = |n: i64| source(&format!("file{n}"), vec![stored("a", 1 + n % 20)]);
    assert_eq!(
        browser.sheets(&report((0..300).map(well).collect()).html()),
        1
    );
    let mut sources: Vec<_> = (0..300).map(well).collect();
    sources.push(source("old", vec![stored("a", 24 * 9)]));
    // What needs somebody is printed after it.
    assert_eq!(browser.sheets(&report(sources).html()), 2);
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
