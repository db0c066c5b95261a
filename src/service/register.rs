//! The public look-up of licences (DESIGN decision 9): number, holder, kind, state and dates for
//! everyone; the documents for whoever holds the unguessable code.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use super::edge::{Answer, Path, Query, Refusal, Wanted, answer, blocking};
use super::{App, code, seal};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::identity::{Bin, Iin};
use crate::licensing::print::licence_pdf;
use crate::licensing::{LICENCE, Licence, almaty};
use crate::pdf;
use crate::problem::{Kind, Problem};
use crate::signature::{FoundSignature, SignatureFormat};
use crate::store::{
    Document, LicenceFilter, LicenceKey, LicenceRow, REFUSAL_KIND, Store, StoreExt as _,
};
use crate::text::Language;
use crate::validation::LicenceInfo;

/// The name of a sealed report among the documents of a code.
pub(super) const REPORT_FILE: &str = "report.pdf";

/// Which licences are looked for: one of the three.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookUp {
    /// The licence number.
    number: Option<String>,
    /// The holder's IIN.
    #[param(value_type = Option<String>)]
    iin: Option<Iin>,
    /// The holder's BIN.
    #[param(value_type = Option<String>)]
    bin: Option<Bin>,
    /// Language of the sentences.
    #[allow(dead_code, reason = "read by `Wanted`; here for the description")]
    lang: Option<String>,
}

/// What everyone may know of a licence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicLicence {
    /// The licence number.
    pub number: String,
    /// Name of the holder.
    pub holder: String,
    /// The kind, for example `export`.
    pub kind: String,
    /// The service it was issued under.
    pub service: String,
    /// `active`, `suspended`, `reissued`, `terminated`, `not-begun` or `expired`, today.
    pub state: String,
    /// When it was issued.
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
    /// First day of validity.
    pub valid_from: Option<String>,
    /// Last day of validity.
    pub valid_to: Option<String>,
}

/// Looks licences up.
#[utoipa::path(get, path = "/api/v1/licences", tag = "register", params(LookUp),
    responses((status = 200, body = Vec<PublicLicence>)))]
pub async fn look_up(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Query(query): Query<LookUp>,
) -> Answer<Json<Vec<PublicLicence>>> {
    answer(&app, language, move |app| {
        find(app, query.number, query.iin.map(String::from), query.bin.map(String::from))
    })
    .await
}

/// One licence by its number.
#[utoipa::path(get, path = "/api/v1/licences/{number}", tag = "register",
    params(("number" = String, Path)),
    responses((status = 200, body = PublicLicence), (status = 404)))]
pub async fn one(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Path(number): Path<String>,
) -> Answer<Json<PublicLicence>> {
    answer(&app, language, move |app| {
        let found = find(app, Some(number), None, None)?;
        found.into_iter().next().ok_or_else(code::unknown)
    })
    .await
}

/// A document for whoever holds its code: `licence.xml` or `licence-kk.pdf` of a licence,
/// `report.pdf` of a sealed report.
#[utoipa::path(get, path = "/api/v1/documents/{code}/{name}", tag = "register",
    params(("code" = String, Path), ("name" = String, Path)),
    responses((status = 200, description = "the document"), (status = 404)))]
pub async fn document(
    State(app): State<Arc<App>>,
    Wanted(language): Wanted,
    Path((code, name)): Path<(String, String)>,
) -> Answer<Response> {
    let found = blocking(&app, move |app| {
        if let Some((report, bytes)) = report_named(app, &code, &name)? {
            let day = almaty(report.made_at).date().to_string();
            let media_type = "application/pdf".to_owned();
            return Ok((day, name, Document { media_type, bytes }));
        }
        let row = by_code(app, &code)?;
        let files = files(&row);
        let file = files.into_iter().find(|file| file.name == name).ok_or_else(code::unknown)?;
        let document = app.store.view(|view| view.document(&file.sha256))?;
        let document =
            document.ok_or_else(|| Problem::internal("a registered document is gone"))?;
        Ok((row.number, file.name, document))
    });
    let (number, name, document) = found.await.map_err(|p| Refusal::new(p, language))?;
    Ok(download(&format!("{number}-{name}"), &document.media_type, document.bytes))
}

fn report_named(
    app: &App,
    code: &str,
    name: &str,
) -> Result<Option<(seal::SealedReport, Vec<u8>)>, Problem> {
    if name == REPORT_FILE { seal::find(app, code) } else { Ok(None) }
}

/// A file as a download that no cache keeps.
pub(super) fn download(name: &str, media_type: &str, bytes: Vec<u8>) -> Response {
    // Names come from us or were checked on the way in, but a header is a header.
    let name: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
    let headers = [
        (CONTENT_TYPE, media_type.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// One document of a licence.
pub(super) struct File {
    /// Its name in the address.
    pub name: String,
    /// Its digest.
    pub sha256: String,
}

/// The documents of a licence: the original first.
pub(super) fn files(row: &LicenceRow) -> Vec<File> {
    let kind = if row.kind == REFUSAL_KIND { REFUSAL_KIND } else { "licence" };
    let original = File { name: format!("{kind}.xml"), sha256: row.xml_sha256.clone() };
    let presentations = Language::ALL.into_iter().filter_map(|language| {
        let sha256 = row.pdf_sha256.get(language.code())?.clone();
        Some(File { name: format!("{kind}-{language}.pdf"), sha256 })
    });
    std::iter::once(original).chain(presentations).collect()
}

/// The licence with this code.
pub(super) fn by_code(app: &App, code: &str) -> Result<LicenceRow, Problem> {
    let row = app.store.view(|view| view.licence(LicenceKey::Code(&code::tidy(code))))?;
    row.ok_or_else(code::unknown)
}

/// Licences by number, IIN or BIN; exactly one must be given.
pub(super) fn find(
    app: &App,
    number: Option<String>,
    iin: Option<String>,
    bin: Option<String>,
) -> Result<Vec<PublicLicence>, Problem> {
    if [&number, &iin, &bin].iter().filter(|given| given.is_some()).count() != 1 {
        let detail = "one of number, iin and bin is needed";
        return Err(Problem::new(Kind::BadInput, "one-criterion", detail));
    }
    let filter =
        LicenceFilter { number, holder_iin: iin, holder_bin: bin, ..LicenceFilter::default() };
    let rows = app.store.view(|view| view.licences(&filter))?;
    let today = almaty(app.now()).date();
    // Refusals are entered to be found by their code, not by everyone.
    let licences = rows.iter().filter(|row| row.kind != REFUSAL_KIND);
    Ok(licences.map(|row| PublicLicence::new(row, today)).collect())
}

/// What the register says of the licence a document is; `None` if it is none.
///
/// The number is read only from what the signatures cover, and the whole document is compared
/// with the register's copy.
///
/// # Errors
/// The store's.
pub fn licence_of(
    store: &(impl Store + ?Sized),
    document: &[u8],
    found: &[FoundSignature],
    now: OffsetDateTime,
) -> Result<Option<LicenceInfo>, Problem> {
    let Some(number) = found.iter().find_map(|signature| number_in(document, signature)) else {
        return Ok(None);
    };
    let row = store.view(|view| view.licence(LicenceKey::Number(&number)))?;
    // Anybody can write a refusal's number into a document; it must not tell who was refused.
    let Some(row) = row.filter(|row| row.kind != REFUSAL_KIND) else {
        return Ok(Some(LicenceInfo {
            number,
            state: "unknown".to_owned(),
            holder: None,
            valid_from: None,
            valid_to: None,
            matches_register: false,
            attachment_matches: None,
            pages_match: None,
        }));
    };
    let sha256 = hex(&digest(DigestAlgorithm::Sha256, document));
    let matches_register = files(&row).iter().any(|file| file.sha256 == sha256);
    if !matches_register && !by_its_authority(store, &row, found)? {
        return Ok(None);
    }
    let public = PublicLicence::new(&row, almaty(now).date());
    let attached = attached(document, found);
    let pages_match = match &attached {
        // The register's copy, octet for octet.
        Some(_) if matches_register => Some(true),
        Some(_) => Some(pages_match(store, &row, document)?),
        None => None,
    };
    Ok(Some(LicenceInfo {
        number,
        state: public.state,
        holder: Some(public.holder),
        valid_from: public.valid_from,
        valid_to: public.valid_to,
        matches_register,
        attachment_matches: attached
            .as_ref()
            .map(|one| hex(&digest(DigestAlgorithm::Sha256, one)) == row.xml_sha256),
        pages_match,
    }))
}

/// The signed licence inside a PDF, as its first sound signature covers it.
fn attached(document: &[u8], found: &[FoundSignature]) -> Option<Vec<u8>> {
    let mut revisions = found.iter().filter_map(|one| pdf::signed_revision(document, one));
    let files = pdf::attachments(revisions.next()?).ok()?;
    files.into_iter().map(|file| file.data).find(|data| licence_in(data).is_some())
}

/// Whether the pages show the register's licence. Printing is deterministic, and what is added
/// later (attachment, signatures) stands behind; what another version printed is compared with the
/// register's own copies.
fn pages_match(
    store: &(impl Store + ?Sized),
    row: &LicenceRow,
    document: &[u8],
) -> Result<bool, Problem> {
    let printed = |licence: Licence| {
        let mut printed = Language::ALL.into_iter().map(|language| licence_pdf(&licence, language));
        printed.any(|printed| printed.is_ok_and(|printed| document.starts_with(&printed.pdf)))
    };
    if original(store, row)?.is_some_and(printed) {
        return Ok(true);
    }
    for sha256 in row.pdf_sha256.values() {
        let Some(kept) = store.view(|view| view.document(sha256))? else { continue };
        let found = pdf::read(&kept.bytes).unwrap_or_default();
        let before = found.first().and_then(|first| pdf::before_signature(&kept.bytes, first));
        if before.is_some_and(|before| document.starts_with(before)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the authority that issued this licence is among the signers. Anybody can attach a
/// genuine licence to a document of their own and sign that: it is none of ours.
fn by_its_authority(
    store: &(impl Store + ?Sized),
    row: &LicenceRow,
    found: &[FoundSignature],
) -> Result<bool, Problem> {
    let Some(licence) = original(store, row)? else { return Ok(false) };
    let mut certificates = found.iter().filter_map(|signature| signature.certificate.as_ref());
    Ok(certificates.any(|one| one.holder().bin.as_ref() == Some(&licence.authority.bin)))
}

/// The licence as the register holds it.
fn original(store: &(impl Store + ?Sized), row: &LicenceRow) -> Result<Option<Licence>, Problem> {
    let original = store.view(|view| view.document(&row.xml_sha256))?;
    Ok(original.and_then(|original| licence_in(&original.bytes)))
}

fn number_in(document: &[u8], signature: &FoundSignature) -> Option<String> {
    // Nearly every document is searched, and the search is prepared once.
    static NAMESPACE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(LICENCE));
    if !signature.faults.is_empty() {
        return None;
    }
    let number = |octets: &[u8]| {
        let whole = |octets| Some(Licence::from_xml(octets).ok()?.number);
        match Licence::number_in(octets) {
            Some(number) => Some(number.to_owned()),
            // Another form of the same, which nobody need read where the namespace is not named.
            None => NAMESPACE.find(octets).and_then(|_| whole(octets)),
        }
    };
    match signature.format {
        SignatureFormat::Pdf | SignatureFormat::Pades(_) => {
            let attached = pdf::attachments(pdf::signed_revision(document, signature)?).ok()?;
            attached.iter().find_map(|file| Some(licence_in(&file.data)?.number))
        }
        _ => signature.scope.octets.iter().find_map(|octets| number(octets)),
    }
}

/// The attachment is the signed original: it is read from what its signature covers.
fn licence_in(data: &[u8]) -> Option<Licence> {
    let found = crate::xml::read(data, None).ok()?;
    let sound = found.iter().filter(|signature| signature.faults.is_empty());
    sound
        .flat_map(|signature| &signature.scope.octets)
        .find_map(|octets| Licence::from_xml(octets).ok())
}

impl PublicLicence {
    /// What everyone may know, as of `today`.
    pub(super) fn new(row: &LicenceRow, today: Date) -> Self {
        let begun = row.valid_from.is_none_or(|from| from <= today);
        let ended = row.valid_to.is_some_and(|to| to < today);
        let state = match (row.state.as_str(), begun, ended) {
            ("active", false, _) => "not-begun",
            ("active", _, true) => "expired",
            (state, ..) => state,
        };
        Self {
            number: row.number.clone(),
            holder: row.holder_name.clone(),
            kind: row.kind.clone(),
            service: row.service.clone(),
            state: state.to_owned(),
            issued_at: row.issued_at,
            valid_from: row.valid_from.map(|day| day.to_string()),
            valid_to: row.valid_to.map(|day| day.to_string()),
        }
    }
}
