//! `POST /api/v1/verify`: any signed document in, the report out. The document is not kept.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use utoipa::IntoParams;

use super::edge::{Answer, Query, Refusal, Wanted, judging, read_body};
use super::{App, register};
use crate::licensing::print::report_pdf;
use crate::limits;
use crate::problem::{Kind, Problem};
use crate::text::Language;
use crate::validation::{
    Policy, Purpose, Question, Report, TimeSource, TrustedTime, Verified, to_xml,
};

/// How to judge.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// Judge as of this time (RFC 3339) instead of now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>, example = "2026-11-21T12:00:00Z")]
    at: Option<OffsetDateTime>,
    /// Judge under the policy with this identifier.
    #[param(example = "kz-2026")]
    policy: Option<String>,
    /// How deep the report goes.
    #[serde(default)]
    report: Depth,
    /// `json`, `xml`, or `pdf`: the simple report, for people. Where the service has a seal, the
    /// PDF carries it, is kept, and is found by a code of its own.
    #[serde(default)]
    format: Form,
    /// Language of the sentences: kk, ru or en.
    #[allow(dead_code, reason = "read by `Wanted`; here for the description")]
    #[serde(default)]
    #[param(value_type = Option<String>)]
    lang: IgnoredAny,
}

/// How deep a report goes.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Depth {
    /// For people.
    #[default]
    Simple,
    /// Every check of every building block.
    Detailed,
    /// Every input, to be judged again with `qoltanba report replay`.
    Diagnostic,
}

/// How a report is written.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// JSON.
    #[default]
    Json,
    /// XML, with the names of the JSON.
    Xml,
    /// A printed report, as PDF.
    Pdf,
}

/// A document that was sent, with its content if the signature is detached.
#[derive(Default)]
pub struct Upload {
    /// The name the sender gave the file; empty if none.
    pub name: String,
    /// The document.
    pub document: Bytes,
    /// What a detached signature was made over.
    pub content: Option<Bytes>,
}

impl Upload {
    /// Octets of the document and its content.
    pub(super) fn size(&self) -> usize {
        self.document.len() + self.content.as_ref().map_or(0, Bytes::len)
    }
}

/// Verifies the signatures of a document. The body is the document, or a form with the parts
/// `file` and, for a detached signature, `content`.
#[utoipa::path(post, path = "/api/v1/verify", tag = "verify", params(VerifyQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Report), (status = 413, description = "larger than the limit"),
              (status = 422, description = "unreadable, or not signed")))]
pub async fn verify(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Query(query): Query<VerifyQuery>,
    request: Request,
) -> Answer<Response> {
    let upload = upload(request).await.map_err(|p| Refusal::new(p, language))?;
    // Sealing asks a token, and the store: never on the thread that received the document.
    let size = if matches!(query.format, Form::Pdf) { usize::MAX } else { upload.size() };
    let answer = judging(&app, size, move |app| {
        let policy = app.verifier.policy_named(query.policy.as_deref())?;
        let at = query.at.map(|time| TrustedTime { time, source: TimeSource::Given });
        let verified = verified(app, &upload, at, &policy, language)?;
        match query.report {
            Depth::Simple if matches!(query.format, Form::Pdf) => {
                let report = &verified.report;
                let printed = match app.seal_report(report, &upload.name, language)? {
                    Some(sealed) => sealed,
                    None => report_pdf(report, &upload.name, app.now(), language)?,
                };
                Ok(register::download(register::REPORT_FILE, "application/pdf", printed))
            }
            Depth::Simple => written(&verified.report, "report", query.format),
            Depth::Detailed => {
                written(&verified.detailed(language), "detailedReport", query.format)
            }
            Depth::Diagnostic => written(&verified.diagnostic(), "diagnosticReport", query.format),
        }
    });
    answer.await.map_err(|p| Refusal::new(p, language))
}

/// Bytes of most reports.
const REPORT: usize = 4096;

fn written(report: &impl serde::Serialize, root: &str, form: Form) -> Result<Response, Problem> {
    let (kind, text) = match form {
        Form::Json => {
            let mut text = Vec::with_capacity(REPORT);
            serde_json::to_writer(&mut text, report).map_err(Problem::internal)?;
            ("application/json", text)
        }
        Form::Pdf => {
            let detail = "only the simple report is printed";
            return Err(Problem::new(Kind::BadInput, "not-printable", detail));
        }
        Form::Xml => {
            ("application/xml", to_xml(report, root).map_err(Problem::internal)?.into_bytes())
        }
    };
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

/// Judges an upload and looks up the licence it may be.
pub(super) fn judge(
    app: &App,
    upload: &Upload,
    at: Option<OffsetDateTime>,
    language: Language,
) -> Result<Report, Problem> {
    judge_at(app, upload, at.map(|time| TrustedTime { time, source: TimeSource::Given }), language)
}

/// Judges a document of the register as of the moment it was entered, which the audit log proves.
pub(super) fn judge_registered(
    app: &App,
    upload: &Upload,
    entered: OffsetDateTime,
    language: Language,
) -> Result<Report, Problem> {
    let time = TrustedTime { time: entered, source: TimeSource::Register };
    judge_at(app, upload, Some(time), language)
}

fn judge_at(
    app: &App,
    upload: &Upload,
    at: Option<TrustedTime>,
    language: Language,
) -> Result<Report, Problem> {
    let policy = app.verifier.policy()?;
    Ok(verified(app, upload, at, &policy, language)?.report)
}

fn verified(
    app: &App,
    upload: &Upload,
    at: Option<TrustedTime>,
    policy: &Policy,
    language: Language,
) -> Result<Verified, Problem> {
    let now = app.now();
    let question = Question {
        document: &upload.document,
        content: upload.content.as_deref(),
        at,
        now,
        purpose: Purpose::Document,
        language,
    };
    let mut verified = app.verifier.verify_under(&question, policy)?;
    verified.report.licence =
        register::licence_of(app.store.as_ref(), &upload.document, &verified.found, now)?;
    Ok(verified)
}

/// Reads a document from a body: raw, or the parts of a form.
pub(super) async fn upload(mut request: Request) -> Result<Upload, Problem> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|value| value.starts_with("multipart/form-data")) {
        let document = read_body(request.into_body(), limits::DOCUMENT_BYTES).await?;
        return Ok(Upload { document, ..Upload::default() });
    }
    let broken = |error: &dyn std::fmt::Display| {
        Problem::new(Kind::BadInput, "broken-form", error.to_string())
    };
    // The parts are counted here, under our own limit; the library's would cut them off at 2 MB.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
    let mut upload = Upload::default();
    while let Some(mut part) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let repeated = match name.as_str() {
            "file" => !upload.document.is_empty(),
            "content" => upload.content.is_some(),
            _ => false,
        };
        if repeated {
            let detail = format!("the part `{name}` comes twice");
            return Err(Problem::new(Kind::BadInput, "repeated-part", detail));
        }
        let file = part.file_name().unwrap_or_default().to_owned();
        let mut octets = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|error| broken(&error))? {
            if octets.len() + chunk.len() > limits::DOCUMENT_BYTES {
                let detail = format!("at most {} bytes", limits::DOCUMENT_BYTES);
                return Err(Problem::new(Kind::TooLarge, "document-too-large", detail));
            }
            octets.extend_from_slice(&chunk);
        }
        match name.as_str() {
            "file" => {
                upload.name = file;
                upload.document = octets.into();
            }
            "content" => upload.content = Some(octets.into()),
            other => {
                let detail =
                    format!("unknown part {:?}", other.chars().take(64).collect::<String>());
                return Err(Problem::new(Kind::BadInput, "unknown-part", detail));
            }
        }
    }
    if upload.document.is_empty() {
        return Err(Problem::new(Kind::BadInput, "no-file", "the part `file` is missing or empty"));
    }
    Ok(upload)
}
