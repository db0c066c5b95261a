//! The pages: rendered on the server, light, in three languages, usable without scripts.

mod view;

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use self::view::{DownloadView, LicenceView, ReportView, SealedView};
use super::edge::{Wanted, blocking, judging};
use super::verify::{Upload, judge, upload};
use super::{App, register, seal};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::licensing::almaty;
use crate::problem::{Kind, Problem};
use crate::store::StoreExt as _;
use crate::text::{Language, Texts};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded(include_str!("pages.toml")));

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// Goes with the addresses of style and script, so that no cache mixes versions.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let octets = [STYLE, SCRIPT].concat();
    hex(&digest(DigestAlgorithm::Sha256, octets.as_bytes())).chars().take(8).collect()
});

/// What every page needs: the language, where it stands, and its texts.
#[derive(Clone)]
struct Page {
    language: &'static str,
    wanted: Language,
    page: &'static str,
    /// The address of this page up to the language, so that the language can be switched.
    here: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    t: Page,
}

#[derive(Template)]
#[template(path = "verdict.html")]
struct VerdictPage {
    t: Page,
    report: ReportView,
    licence: Option<LicenceView>,
}

#[derive(Template)]
#[template(path = "public_licence.html")]
struct LicencePage {
    t: Page,
    l: LicenceView,
    report: ReportView,
    documents: Vec<DownloadView>,
}

#[derive(Template)]
#[template(path = "sealed_report.html")]
struct SealedReportPage {
    t: Page,
    r: SealedView,
    report: ReportView,
    documents: Vec<DownloadView>,
}

/// What a page at a code shows.
enum ByCode {
    Licence(LicenceView, ReportView, Vec<DownloadView>),
    Report(SealedView, ReportView, Vec<DownloadView>),
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    t: Page,
    query: String,
    searched: bool,
    problem: String,
    rows: Vec<LicenceView>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    t: Page,
    title: String,
    message: String,
    detail: String,
}

/// The pages' routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(start))
        .route("/verify", post(verify).get(|| async { Redirect::to("/") }))
        .route("/v", get(by_form))
        .route("/v/{code}", get(by_code))
        .route("/register", get(search))
        .route("/assets/style.css", get(|| asset("text/css", STYLE)))
        .route("/assets/icon.svg", get(|| asset("image/svg+xml", include_str!("icon.svg"))))
        .route("/assets/file.svg", get(|| asset("image/svg+xml", include_str!("file.svg"))))
        .route("/assets/page.js", get(|| asset("text/javascript", SCRIPT)))
}

async fn start(Wanted(language): Wanted) -> Response {
    page(StatusCode::OK, &VerifyPage { t: Page::new(language, "verify", "/?") })
}

async fn verify(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    request: Request,
) -> Response {
    let t = Page::new(language, "verify", "/?");
    let judged = match upload(request).await {
        Ok(upload) => judging(&app, upload.size(), move |app| shown(app, &upload, language)).await,
        Err(problem) => Err(problem),
    };
    match judged {
        Ok((report, licence)) => page(StatusCode::OK, &VerdictPage { t, report, licence }),
        Err(problem) => problem_page(t, &problem),
    }
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

async fn by_form(Wanted(language): Wanted, Query(form): Query<CodeForm>) -> Response {
    // People paste the whole address from the QR code as well as the bare code.
    let code = form.code.trim().rsplit('/').next().unwrap_or_default();
    let code: String =
        code.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    Redirect::to(&format!("/v/{}?lang={language}", if code.is_empty() { "-" } else { &code }))
        .into_response()
}

async fn by_code(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Path(code): Path<String>,
) -> Response {
    let t = Page::new(language, "verify", &format!("/v/{code}?"));
    let found = blocking(&app, move |app| {
        if let Some((sealed, bytes)) = seal::find(app, &code)? {
            let file = register::REPORT_FILE;
            let documents = vec![DownloadView::new(&code, file, bytes.len() as u64, language)];
            let upload = Upload { document: bytes.into(), ..Upload::default() };
            let report = super::verify::judge_registered(app, &upload, sealed.made_at, language)?;
            let report = ReportView::new(&report, "", language);
            return Ok(ByCode::Report(SealedView::new(&sealed, language), report, documents));
        }
        let row = register::by_code(app, &code)?;
        let documents = register::files(&row);
        let mut downloads = Vec::new();
        for file in documents {
            let info = app.store.view(|view| view.document_info(&file.sha256))?;
            let size = info.map_or(0, |info| info.size);
            downloads.push(DownloadView::new(&code, &file.name, size, language));
        }
        let document = app.store.view(|view| view.document(&row.xml_sha256))?;
        let document =
            document.ok_or_else(|| Problem::internal("a registered document is gone"))?;
        let upload = Upload { document: document.bytes.into(), ..Upload::default() };
        // The register proves when the licence was issued (DESIGN decision 8).
        let report = super::verify::judge_registered(app, &upload, row.issued_at, language)?;
        let today = almaty(app.now()).date();
        let public = register::PublicLicence::new(&row, today);
        let licence = LicenceView::public(&public, today, language);
        Ok(ByCode::Licence(licence, ReportView::new(&report, "", language), downloads))
    });
    match found.await {
        Ok(ByCode::Licence(l, report, documents)) => {
            page(StatusCode::OK, &LicencePage { t, l, report, documents })
        }
        Ok(ByCode::Report(r, report, documents)) => {
            page(StatusCode::OK, &SealedReportPage { t, r, report, documents })
        }
        Err(problem) => problem_page(t, &problem),
    }
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

async fn search(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Query(search): Query<Search>,
) -> Response {
    let query: String = search.q.trim().chars().take(64).collect();
    let t = Page::new(language, "register", &format!("/register?q={}&", view::encoded(&query)));
    let asked = query.clone();
    let found = blocking(&app, move |app| look(app, &asked, language)).await;
    let (rows, problem) = match found {
        Ok(rows) => (rows, String::new()),
        Err(_) => (Vec::new(), t.text("problem-other").to_owned()),
    };
    let searched = !query.is_empty();
    page(StatusCode::OK, &RegisterPage { t, query, searched, problem, rows })
}

/// Twelve digits are an IIN or a BIN, whichever the register knows; anything else is a number.
fn look(app: &App, query: &str, language: Language) -> Result<Vec<LicenceView>, Problem> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let twelve_digits = query.len() == 12 && query.bytes().all(|b| b.is_ascii_digit());
    let number = Some(query.to_uppercase());
    let rows = if twelve_digits {
        let mut rows = register::find(app, None, Some(query.to_owned()), None)?;
        rows.extend(register::find(app, None, None, Some(query.to_owned()))?);
        rows
    } else {
        register::find(app, number, None, None)?
    };
    let today = almaty(app.now()).date();
    Ok(rows.iter().map(|row| LicenceView::public(row, today, language)).collect())
}

fn shown(
    app: &App,
    upload: &Upload,
    language: Language,
) -> Result<(ReportView, Option<LicenceView>), Problem> {
    let report = judge(app, upload, None, language)?;
    let today = almaty(app.now()).date();
    let licence = report.licence.as_ref().map(|info| LicenceView::of_report(info, today, language));
    Ok((ReportView::new(&report, &upload.name, language), licence))
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, [(CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page did not render");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn problem_page(t: Page, problem: &Problem) -> Response {
    let (title, message) = match (problem.kind, problem.code) {
        (_, "not-signed") => ("title-not-signed", "problem-not-signed"),
        (_, "no-file") => ("problem-title", "problem-no-file"),
        (Kind::TooLarge, _) => ("problem-title", "problem-too-large"),
        (Kind::Unreadable | Kind::BadInput, _) => ("problem-title", "problem-unreadable"),
        (Kind::NotFound, _) => ("title-not-found", "problem-not-found"),
        _ => ("problem-title", "problem-other"),
    };
    let status = StatusCode::from_u16(problem.kind.status());
    let unreadable = problem.kind == Kind::Unreadable && problem.code != "not-signed";
    let detail = if unreadable { problem.detail.as_str() } else { "" };
    let filled = ProblemPage {
        title: t.text(title).to_owned(),
        message: t.text(message).to_owned(),
        detail: detail.to_owned(),
        t,
    };
    page(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &filled)
}

async fn asset(media_type: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "max-age=3600")], text).into_response()
}

fn text(key: &'static str, language: Language) -> &'static str {
    TEXTS.get(key, language)
}

impl Page {
    fn new(wanted: Language, page: &'static str, here: &str) -> Self {
        Self { language: wanted.code(), wanted, page, here: here.to_owned() }
    }

    fn version(&self) -> &'static str {
        &VERSION
    }

    fn text(&self, key: &'static str) -> &'static str {
        text(key, self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_the_pages_stands_in_three_languages() {
        assert_eq!(TEXTS.incomplete(), Some(Vec::new()));
    }

    #[test]
    fn every_text_a_template_asks_for_is_written() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service/pages");
        let mut asked = 0;
        for entry in std::fs::read_dir(directory.join("templates")).unwrap() {
            let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for rest in source.split("t.text(\"").skip(1) {
                let key: &'static str = rest.split('"').next().unwrap().to_owned().leak();
                assert_ne!(text(key, Language::En), key, "no text for {key}");
                asked += 1;
            }
        }
        assert!(asked > 30);
    }
}
