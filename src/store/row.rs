//! The records of the store, as its users see them.

use std::collections::BTreeMap;

use time::{Date, OffsetDateTime};

/// A case: one request on its way, from draft to result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRow {
    /// Its id, chosen by the caller.
    pub id: String,
    /// The version this row was read with; 0 for a case that is not stored yet.
    pub version: u64,
    /// IIN of the applicant.
    pub owner_iin: Option<String>,
    /// BIN of the applicant's organisation.
    pub owner_bin: Option<String>,
    /// The service asked for.
    pub service: String,
    /// Where the case stands.
    pub state: String,
    /// The number of registration; unique, and fixed once given.
    pub incoming_number: Option<String>,
    /// Everything else, JSON.
    pub body: String,
    /// When it was first stored; later values are ignored.
    pub created_at: OffsetDateTime,
    /// When this version was made.
    pub updated_at: OffsetDateTime,
}

/// Which cases are wanted: those that fit every field that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// IIN of the applicant.
    pub owner_iin: Option<String>,
    /// BIN of the applicant's organisation.
    pub owner_bin: Option<String>,
    /// The service asked for.
    pub service: Option<String>,
    /// One of these states; empty for any.
    pub states: Vec<String>,
    /// Latest first, instead of oldest first.
    pub latest_first: bool,
    /// The id of the last case of the page before; nothing follows an id that does not exist.
    pub after: Option<String>,
    /// At most so many; never more than [`crate::limits::STORE_PAGE_ROWS`], the value of `None`.
    pub limit: Option<usize>,
}

/// A document with its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Media type (RFC 6838).
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What is known of a document without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentInfo {
    /// Media type (RFC 6838).
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
}

/// The kind under which refusals stand in the register.
pub const REFUSAL_KIND: &str = "refusal";

/// An entry in the register of licences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceRow {
    /// The number of the licence; unique.
    pub number: String,
    /// The unguessable code of the QR code; unique. Who holds it may read the document.
    pub code: String,
    /// The case it came from; one licence a case.
    pub case_id: String,
    /// The service.
    pub service: String,
    /// The kind of licence or permit, or [`REFUSAL_KIND`].
    pub kind: String,
    /// The name of the holder.
    pub holder_name: String,
    /// IIN of the holder.
    pub holder_iin: Option<String>,
    /// BIN of the holder.
    pub holder_bin: Option<String>,
    /// Today's state; changed by [`super::Change::set_licence_state`] only.
    pub state: String,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// First day of validity.
    pub valid_from: Option<Date>,
    /// Last day of validity; `None` for a licence without term.
    pub valid_to: Option<Date>,
    /// SHA-256 of the signed XML, the original.
    pub xml_sha256: String,
    /// SHA-256 of the signed PDF by language code.
    pub pdf_sha256: BTreeMap<String, String>,
}

/// How one licence is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LicenceKey<'a> {
    /// By its number.
    Number(&'a str),
    /// By its unguessable code.
    Code(&'a str),
    /// By the case it came from.
    Case(&'a str),
}

/// Which licences are wanted: those that fit every field that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenceFilter {
    /// The number of the licence.
    pub number: Option<String>,
    /// IIN of the holder.
    pub holder_iin: Option<String>,
    /// BIN of the holder.
    pub holder_bin: Option<String>,
    /// The service.
    pub service: Option<String>,
    /// Today's state.
    pub state: Option<String>,
    /// The number of the last licence of the page before.
    pub after: Option<String>,
    /// At most so many; never more than [`crate::limits::STORE_PAGE_ROWS`], the value of `None`.
    pub limit: Option<usize>,
}

/// A state a licence has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceStateRow {
    /// The state.
    pub state: String,
    /// From when on.
    pub at: OffsetDateTime,
    /// The act it rests on; empty for the first state.
    pub act: String,
}

/// What was asked and answered at one step of a case, such as a certificate check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// The case.
    pub case_id: String,
    /// The step it belongs to.
    pub step: String,
    /// When it was answered.
    pub at: OffsetDateTime,
    /// The evidence, JSON; long answers stand in it by the digest of a stored document.
    pub body: String,
}

/// What a ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TicketKind {
    /// A session of somebody who is logged in.
    Session,
    /// A login challenge that waits for its signature.
    Challenge,
    /// A prepared document that waits for its signature.
    Pending,
    /// A sealed report, which is kept for a time.
    Report,
}

/// A record that lives until it is taken or expires.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What it is for.
    pub kind: TicketKind,
    /// Its id. For a secret, such as a session's token, put the digest of the secret here: a copied
    /// database then opens no session.
    pub id: String,
    /// What belongs to it, JSON.
    pub body: String,
    /// Bytes that belong to it, such as a prepared document; may be empty.
    pub bytes: Vec<u8>,
    /// From this moment on it does not exist.
    pub expires_at: OffsetDateTime,
}

impl TicketKind {
    /// The kind in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Challenge => "challenge",
            Self::Pending => "pending",
            Self::Report => "report",
        }
    }
}

/// Shows neither id nor content, which may open something.
impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
