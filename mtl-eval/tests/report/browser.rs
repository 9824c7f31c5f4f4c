//! The page in a headless browser: laid out, without messages, not wider than the window. Skipped where there is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::samples::{everything, feed, many};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Writes to the page's title whether it is laid out, and what stands out of the window to the right.
const PROBE: &str = r#"<script>window.addEventListener("load", () => {
    const wide = document.documentElement.clientWidth;
    const out = [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, nav, pre, svg")
        && e.getBoundingClientRect().right > wide + 1).map(e => e.tagName + "." + e.className);
    const flat = [...document.querySelectorAll("svg.chart, svg.heat, table, .card")].filter(e => e.getBoundingClientRect().height < 20);
    const text = [...document.querySelectorAll("svg.chart text")].filter(e => {
        const [a, b] = [e.getBoundingClientRect(), e.ownerSVGElement.getBoundingClientRect()];
        return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1 || a.top < b.top - 1;
    }).map(e => e.textContent);
    const scrolls = document.documentElement.scrollWidth > wide;
    document.title = JSON.stringify({ charts: document.querySelectorAll("svg.chart").length, out, flat: flat.length, text, scrolls });
});</script></body>"#;

fn browser() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&paths).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    let found = files.find(|file| file.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: no browser among {BROWSERS:?}: the page of a report is not looked at");
    }
    found
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

fn written(name: &str, page: &str) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, page).expect("a file in the target folder");
    path
}

/// Opens a page and gives what the browser writes: to standard output and to standard error.
fn open(browser: &Path, page: &Path, more: &[String]) -> (String, String) {
    let name = page.file_name().expect("a file").to_string_lossy().into_owned();
    let profile = folder().join(format!("{name}.{}.profile", more.join("").len()));
    let (out, log) = (folder().join(format!("{name}.out")), folder().join(format!("{name}.log")));
    let file = |path: &Path| Stdio::from(std::fs::File::create(path).expect("a file in the target folder"));
    let mut child = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
        .args(["--no-first-run", "--disable-background-networking", "--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(more)
        .arg(format!("file://{}", page.display()))
        .stdout(file(&out))
        .stderr(file(&log))
        .spawn()
        .expect("the browser starts");
    let start = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if start.elapsed() > Duration::from_secs(120) {
            let _ = child.kill();
            panic!("the browser does not end: {}", std::fs::read_to_string(&log).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = std::fs::remove_dir_all(profile);
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    (read(&out), read(&log))
}

/// What the page itself gave cause to: messages on its console, requests that failed or that should not be.
fn complaints(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("CONSOLE") || line.contains("net::ERR") || line.contains("Refused to"))
        .collect()
}

#[test]
fn a_page_is_shown_without_a_complaint() {
    let Some(browser) = browser() else { return };
    let page = written("report.html", &everything().to_html());
    for (name, size, dark) in
        [("light", "1280,6200", false), ("dark", "1280,6200", true), ("narrow", "500,9000", false)]
    {
        let picture = folder().join(format!("report.{name}.png"));
        let _ = std::fs::remove_file(&picture);
        let mut arguments = vec![format!("--screenshot={}", picture.display()), format!("--window-size={size}")];
        arguments.extend(dark.then(|| "--blink-settings=preferredColorScheme=0".to_owned()));
        let (_, log) = open(&browser, &page, &arguments);
        assert_eq!(complaints(&log), [""; 0], "{name}");
        let bytes = std::fs::read(&picture).unwrap_or_else(|error| panic!("no picture: {error}\n{log}"));
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 50_000, "{name}: {} bytes", bytes.len());
    }
}

#[test]
fn nothing_stands_out_of_the_window() {
    let Some(browser) = browser() else { return };
    let long = "a_name_that_is_much_longer_than_anybody_would_ever_write_in_a_spec_but_who_knows";
    let named = super::samples::renamed(&everything(), "click", long);
    for (name, report) in [("everything", everything()), ("feed", feed()), ("many", many(50)), ("long", named)] {
        // The probe is a script, which the page itself forbids.
        let html = report.to_html();
        let start = html.find("<meta http-equiv").expect("a policy");
        let end = start + html[start..].find("/>").expect("its end") + 2;
        let html = format!("{}{}", &html[..start], &html[end..]).replace("</body>", PROBE);
        let page = written(&format!("probe.{name}.html"), &html);
        for size in ["1280,900", "500,900"] {
            let (dom, log) = open(&browser, &page, &["--dump-dom".into(), format!("--window-size={size}")]);
            assert_eq!(complaints(&log), [""; 0], "{name} {size}");
            let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
            let found: serde_json::Value =
                serde_json::from_str(&title.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
                    .unwrap_or_else(|error| panic!("{error}: {title}\n{log}"));
            assert!(found["charts"].as_u64() > Some(10), "{name} {size}: {found}");
            for problem in ["out", "text"] {
                assert_eq!(found[problem].as_array().map(Vec::len), Some(0), "{name} {size}: {found}");
            }
            assert_eq!((&found["flat"], &found["scrolls"]), (&0.into(), &false.into()), "{name} {size}: {found}");
        }
    }
}
