//! The pages in a browser: they render in each language, their script runs, and nothing of them
//! is blocked.

use std::io::Write as _;
use std::process::Command;

use serde_json::json;

use crate::calm;
use crate::kit::service::Service;
use crate::kit::walk::Walk;

const LANGUAGES: [(&str, &str, &str); 3] = [
    ("kk", "Қол қойылған құжатты тексеру", "Қолтаңба жарамды"),
    ("ru", "Проверка подписанного документа", "Подпись действительна"),
    ("en", "Verify a signed document", "The signature is valid"),
];

#[test]
fn the_pages_render_in_a_browser_in_each_language() {
    let _calm = calm();
    if Command::new("chromium").arg("--version").output().is_err() {
        // Written past the harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: the pages in a browser: no chromium here");
        return;
    }
    let service = Service::start("pages");
    let walk = Walk::paid(&service, "first-head");
    walk.register();
    let issue = json!({ "decision": "issue" });
    walk.review(&issue);
    let number = walk.decide(&issue);
    let code: String = service
        .database()
        .query_row("SELECT code FROM licences WHERE number = ?1", [&number], |row| row.get(0))
        .unwrap();
    for (language, title, valid) in LANGUAGES {
        let start = page(&service, &format!("/?lang={language}"));
        assert!(start.contains(&format!("<html lang=\"{language}\"")), "{start}");
        assert!(start.contains(&format!("<h1>{title}</h1>")), "{start}");
        // The script puts this class there: it ran.
        assert!(start.contains("class=\"card drop scripted\""), "{start}");
        let licence = page(&service, &format!("/v/{code}?lang={language}"));
        assert!(licence.contains(&format!("<h1>{valid}</h1>")), "{licence}");
        assert!(licence.contains(&number), "{licence}");
    }
}

/// The page as the browser has it when it is loaded; nothing may have been said on the console.
fn page(service: &Service, path: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("{}{path}", service.url()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let console: Vec<_> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(output.status.success() && console.is_empty(), "{path}: {console:?}\n{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
