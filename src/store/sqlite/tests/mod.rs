//! What the users of a store rely on.

mod crash;
mod log;
mod record;
mod together;

use std::collections::BTreeMap;

use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::{date, datetime};

use super::Sqlite;
use crate::store::audit::AuditEntry;
use crate::store::{
    CaseRow, Change, LicenceRow, Store, StoreError, StoreExt as _, Ticket, TicketKind,
};

const NOW: OffsetDateTime = datetime!(2026-11-21 10:00:00.123456789 UTC);

fn temporary() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("store.sqlite")).unwrap();
    (folder, store)
}

/// A change with its audit row.
fn change<T>(
    store: &dyn Store,
    work: impl FnOnce(&mut dyn Change) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    store.change(|tx| {
        let value = work(tx)?;
        tx.audit_append(&entry("test"))?;
        Ok(value)
    })
}

fn entry(object: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor: "iin:123456789012".into(),
        action: "case.saved".into(),
        object: object.into(),
        details: json!({"з": "ә", "a": [1, null]}),
    }
}

fn case(id: &str) -> CaseRow {
    CaseRow {
        id: id.into(),
        version: 0,
        owner_iin: Some("123456789012".into()),
        owner_bin: None,
        service: "export".into(),
        state: "draft".into(),
        incoming_number: None,
        body: r#"{"field":"қолтаңба"}"#.into(),
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A licence whose case and documents were put by [`put_licence`].
fn licence(number: &str) -> LicenceRow {
    LicenceRow {
        number: number.into(),
        code: format!("code of {number}"),
        case_id: format!("case of {number}"),
        service: "export".into(),
        kind: "licence".into(),
        holder_name: "ЖШС «Қолтаңба»".into(),
        holder_iin: None,
        holder_bin: Some("210987654321".into()),
        state: "active".into(),
        issued_at: NOW,
        valid_from: Some(date!(2026 - 11 - 21)),
        valid_to: None,
        xml_sha256: String::new(),
        pdf_sha256: BTreeMap::new(),
    }
}

fn put_licence(tx: &mut dyn Change, number: &str) -> Result<LicenceRow, StoreError> {
    let mut licence = licence(number);
    tx.put_case(&case(&licence.case_id))?;
    licence.xml_sha256 = tx.put_document("application/xml", number.as_bytes())?;
    for language in ["kk", "ru"] {
        let pdf = tx.put_document("application/pdf", format!("{language} {number}").as_bytes())?;
        licence.pdf_sha256.insert(language.into(), pdf);
    }
    tx.put_licence(&licence)?;
    Ok(licence)
}

fn ticket(kind: TicketKind, id: &str) -> Ticket {
    let expires_at = NOW + time::Duration::seconds(300);
    Ticket { kind, id: id.into(), body: "{}".into(), bytes: vec![0, 1, 2], expires_at }
}
