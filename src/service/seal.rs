//! Reports under the service's own seal: printed, sealed, passed by our own verifier, kept for as
//! long as the operator wants, and found by a code of their own.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::edge::{Answer, Path, Wanted, answer};
use super::{App, code, result_document, signing};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::licensing::print::{ReportSeal, sealed_report_pdf};
use crate::limits;
use crate::pdf::{self, Relationship};
use crate::problem::{Kind, Problem};
use crate::store::{StoreExt as _, Ticket, TicketKind};
use crate::text::Language;
use crate::token::Signer;
use crate::validation::{Question, Report, to_xml};

/// The service's seal.
pub struct Seal {
    signer: Arc<dyn Signer>,
    keep: Duration,
    pace: Pace,
}

/// The minute that runs, and how many reports were sealed in it.
#[derive(Default)]
struct Pace(Mutex<(i64, u32)>);

/// A report that this service sealed, as everyone who has its code may see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SealedReport {
    /// Its verification code.
    pub code: String,
    /// When the document was verified.
    #[serde(with = "time::serde::rfc3339")]
    pub made_at: OffsetDateTime,
    /// Until when the report is found by its code.
    #[serde(with = "time::serde::rfc3339")]
    pub kept_until: OffsetDateTime,
    /// The verdict in it.
    pub verdict: String,
    /// SHA-256 of the document it is about.
    pub document_sha256: String,
    /// SHA-256 of the sealed report, a PDF.
    pub sha256: String,
    /// Its language.
    pub language: String,
}

impl Seal {
    /// A seal whose reports are kept for so many days.
    pub fn new(signer: Arc<dyn Signer>, keep_days: u16) -> Self {
        Self { signer, keep: Duration::days(keep_days.into()), pace: Pace::default() }
    }
}

impl Pace {
    /// Anybody may have a report sealed, and each is kept: only so many in a minute.
    fn admit(&self, now: OffsetDateTime) -> Result<(), Problem> {
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.unix_timestamp() / 60;
        if pace.0 != minute {
            *pace = (minute, 0);
        }
        if pace.1 >= limits::SEALED_REPORTS_PER_MINUTE {
            let detail = "Too many reports were sealed in this minute.";
            return Err(Problem::new(Kind::TryLater, "too-many-reports", detail));
        }
        pace.1 += 1;
        Ok(())
    }
}

impl App {
    /// The report on `file` as a sealed PDF with a code of its own; `None` without a seal.
    ///
    /// # Errors
    /// [`Kind::TryLater`] where the token, the time-stamping authority or the pace do not allow it
    /// now; the reasons of our own verifier against the seal.
    pub fn seal_report(
        &self,
        report: &Report,
        file: &str,
        language: Language,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(seal) = &self.seal else { return Ok(None) };
        let now = signing::whole_seconds(self.now());
        seal.pace.admit(now)?;
        let code = self.new_code()?;
        let url = format!("{}/v/{code}", self.config.service.public_url.trim_end_matches('/'));
        let certificate = seal.signer.certificate();
        let holder = certificate.holder();
        let organisation = holder.organisation.clone().unwrap_or_default();
        let name = holder.full_name();
        let by = ReportSeal { name: &name, organisation: &organisation, code: &code, url: &url };
        let printed = sealed_report_pdf(report, file, now, &by, language)?;
        let data = to_xml(report, "report").map_err(Problem::internal)?;
        let (kind, relationship) = ("application/xml", Relationship::Source);
        let document =
            pdf::attach(&printed.pdf, "report.xml", kind, relationship, data.as_bytes())?;
        let mut options = pdf::SigningOptions::at(now);
        options.name = Some(name);
        options.for_timestamp = self.stamps.is_some();
        let stamp = result_document::stamp(printed.stamp, true, certificate, language, now);
        options.stamp = Some(stamp);
        let sealed = pdf::sign(&document, seal.signer.as_ref(), &options)?;
        // Nothing signed leaves before our own verifier has passed it.
        signing::passed_by(&self.verifier.verify(&Question::new(&sealed, now, language))?)?;
        let sealed = signing::preserved(self, sealed)?;
        let entry = SealedReport {
            code: code.clone(),
            made_at: now,
            kept_until: now + seal.keep,
            verdict: report.verdict.as_str().to_owned(),
            document_sha256: report.document.sha256.clone(),
            sha256: hex(&digest(DigestAlgorithm::Sha256, &sealed)),
            language: language.code().to_owned(),
        };
        self.keep(&entry, &sealed)?;
        Ok(Some(sealed))
    }

    fn keep(&self, entry: &SealedReport, sealed: &[u8]) -> Result<(), Problem> {
        let body = serde_json::to_string(entry).map_err(Problem::internal)?;
        // The log proves the report when it is no longer kept; it must not open it.
        let details = serde_json::json!({
            "document": entry.document_sha256, "verdict": entry.verdict
        });
        self.store.change(|change| {
            change.sweep_tickets(entry.made_at)?;
            change.put_ticket(&Ticket {
                kind: TicketKind::Report,
                id: entry.code.clone(),
                body,
                bytes: sealed.to_vec(),
                expires_at: entry.kept_until,
            })?;
            change.audit_append(&self.entry("system", "report-sealed", &entry.sha256, details))?;
            Ok::<_, Problem>(())
        })
    }
}

/// The sealed report with this code and its octets; `None` if there is none, or none any more.
pub(super) fn find(app: &App, code: &str) -> Result<Option<(SealedReport, Vec<u8>)>, Problem> {
    let code = code::tidy(code);
    let kept = app.store.view(|view| view.ticket(TicketKind::Report, &code, app.now()))?;
    let Some(kept) = kept else { return Ok(None) };
    let entry: SealedReport = serde_json::from_str(&kept.body).map_err(Problem::internal)?;
    if hex(&digest(DigestAlgorithm::Sha256, &kept.bytes)) != entry.sha256 {
        return Err(Problem::internal("a kept report is not the one that was sealed"));
    }
    Ok(Some((entry, kept.bytes)))
}

/// A sealed verification report by its code. The PDF itself is `documents/{code}/report.pdf`.
#[utoipa::path(get, path = "/api/v1/reports/{code}", tag = "verify",
    params(("code" = String, Path)),
    responses((status = 200, body = SealedReport), (status = 404)))]
pub async fn one(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Path(code): Path<String>,
) -> Answer<Json<SealedReport>> {
    answer(&app, language, move |app| {
        let found = find(app, &code)?.map(|(entry, _)| entry);
        found.ok_or_else(code::unknown)
    })
    .await
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn only_so_many_reports_are_sealed_in_a_minute() {
        let pace = Pace::default();
        let first = datetime!(2026-11-22 10:00:59 UTC);
        for _ in 0..limits::SEALED_REPORTS_PER_MINUTE {
            pace.admit(first).unwrap();
        }
        let problem = pace.admit(first).unwrap_err();
        assert_eq!((problem.kind, problem.code), (Kind::TryLater, "too-many-reports"));
        pace.admit(first + Duration::seconds(1)).unwrap();
    }
}
