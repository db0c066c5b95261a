//! Changing.

use rusqlite::params;
use time::OffsetDateTime;

use super::Session;
use super::view::{signed, unsigned};
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits::{AUDIT_ENTRY_BYTES, DOCUMENT_BYTES};
use crate::store::audit::{self, AuditEntry, AuditRow};
use crate::store::timestamp::{day, moment};
use crate::store::{
    CaseRow, Change, EvidenceRow, LicenceKey, LicenceRow, StoreError, Ticket, TicketKind, View,
};

impl Change for Session<'_> {
    fn put_case(&mut self, case: &CaseRow) -> Result<u64, StoreError> {
        const INSERT: &str = "INSERT INTO cases (id, version, owner_iin, owner_bin, service, \
             state, incoming_number, body, created_at, updated_at) \
             VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING";
        const UPDATE: &str = "UPDATE cases SET version = ?2 + 1, owner_iin = ?3, owner_bin = ?4, \
             service = ?5, state = ?6, incoming_number = ?7, body = ?8, \
             created_at = coalesce(created_at, ?9), updated_at = ?10 \
             WHERE id = ?1 AND version = ?2";
        self.lasting(|session| {
            let sql = if case.version == 0 { INSERT } else { UPDATE };
            let written = session.statement(sql)?.execute(params![
                case.id,
                signed(case.version),
                case.owner_iin,
                case.owner_bin,
                case.service,
                case.state,
                case.incoming_number,
                case.body,
                moment(case.created_at)?,
                moment(case.updated_at)?,
            ])?;
            match written {
                1 => Ok(case.version + 1),
                _ => Err(StoreError::Conflict { what: "case", id: case.id.clone() }),
            }
        })
    }

    fn put_document(&mut self, media_type: &str, bytes: &[u8]) -> Result<String, StoreError> {
        const INSERT: &str = "INSERT INTO documents (sha256, media_type, size, bytes) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (sha256) DO NOTHING";
        self.passing(|session| {
            within("a document", bytes.len(), DOCUMENT_BYTES)?;
            let sha256 = hex(&digest(DigestAlgorithm::Sha256, bytes));
            let size = bytes.len() as i64;
            let written =
                session.statement(INSERT)?.execute(params![sha256, media_type, size, bytes])?;
            // One that was kept before was audited then, so putting it again owes no audit row.
            if written > 0 {
                session.wrote.set(true);
            }
            Ok(sha256)
        })
    }

    fn number(&mut self, series: &str, holder: &str) -> Result<u64, StoreError> {
        const FIND: &str = "SELECT number FROM numbers WHERE series = ?1 AND holder = ?2";
        const TAKE: &str = "INSERT INTO numbers (series, number, holder) \
             SELECT ?1, 1 + coalesce(max(number), 0), ?2 FROM numbers WHERE series = ?1 \
             RETURNING number";
        let find =
            |session: &Self, sql| session.one(sql, [series, holder], |row| unsigned(row.get(0)?));
        // An earlier number was audited when it was given, so asking again owes no audit row.
        if let Some(number) = find(self, FIND)? {
            return Ok(number);
        }
        self.lasting(|session| {
            find(session, TAKE)?.ok_or_else(|| StoreError::Missing("the next number".into()))
        })
    }

    fn put_licence(&mut self, licence: &LicenceRow) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO licences (number, code, case_id, service, kind, \
             holder_name, holder_iin, holder_bin, state, issued_at, valid_from, valid_to, \
             xml_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        const PDF: &str = "INSERT INTO licence_pdfs (number, language, sha256) VALUES (?1, ?2, ?3)";
        if let Some(mut there) = self.licence(LicenceKey::Number(&licence.number))? {
            // Its state may have moved on since.
            there.state.clone_from(&licence.state);
            if there == *licence {
                return Ok(());
            }
        }
        self.lasting(|session| {
            session.statement(INSERT)?.execute(params![
                licence.number,
                licence.code,
                licence.case_id,
                licence.service,
                licence.kind,
                licence.holder_name,
                licence.holder_iin,
                licence.holder_bin,
                licence.state,
                moment(licence.issued_at)?,
                licence.valid_from.map(day).transpose()?,
                licence.valid_to.map(day).transpose()?,
                licence.xml_sha256,
            ])?;
            for (language, sha256) in &licence.pdf_sha256 {
                session.statement(PDF)?.execute(params![licence.number, language, sha256])?;
            }
            session.note_state(&licence.number, &licence.state, licence.issued_at, "")
        })
    }

    fn set_licence_state(
        &mut self,
        number: &str,
        state: &str,
        at: OffsetDateTime,
        act: &str,
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "UPDATE licences SET state = ?2 WHERE number = ?1";
        self.lasting(|session| match session.statement(UPDATE)?.execute([number, state])? {
            1 => session.note_state(number, state, at, act),
            _ => Err(StoreError::Missing(format!("licence {number}"))),
        })
    }

    fn put_evidence(&mut self, evidence: &EvidenceRow) -> Result<(), StoreError> {
        const INSERT: &str =
            "INSERT INTO evidence (case_id, step, at, body) VALUES (?1, ?2, ?3, ?4)";
        self.lasting(|session| {
            let EvidenceRow { case_id, step, at, body } = evidence;
            session.statement(INSERT)?.execute(params![case_id, step, moment(*at)?, body])?;
            Ok(())
        })
    }

    fn put_ticket(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO tickets (kind, id, expires_at, body, bytes) \
             VALUES (?1, ?2, ?3, ?4, ?5)";
        self.passing(|session| {
            let Ticket { kind, id, body, bytes, expires_at } = ticket;
            within("a ticket", bytes.len(), DOCUMENT_BYTES)?;
            let expires_at = moment(*expires_at)?;
            session.statement(INSERT)?.execute(params![
                kind.as_str(),
                id,
                expires_at,
                body,
                bytes
            ])?;
            Ok(())
        })
    }

    fn take_ticket(
        &mut self,
        kind: TicketKind,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Ticket>, StoreError> {
        const DELETE: &str = "DELETE FROM tickets WHERE kind = ?1 AND id = ?2";
        self.passing(|session| {
            let ticket = session.ticket(kind, id, now)?;
            session.statement(DELETE)?.execute([kind.as_str(), id])?;
            Ok(ticket)
        })
    }

    fn sweep_tickets(&mut self, now: OffsetDateTime) -> Result<usize, StoreError> {
        const DELETE: &str = "DELETE FROM tickets WHERE expires_at <= ?1";
        self.passing(|session| Ok(session.statement(DELETE)?.execute([moment(now)?])?))
    }

    fn audit_append(&mut self, entry: &AuditEntry) -> Result<AuditRow, StoreError> {
        const INSERT: &str = "INSERT INTO audit (seq, at, actor, action, object, details, \
             prev_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, unhex(?7), unhex(?8))";
        const HEAD: &str = "UPDATE audit_head SET rows = ?1, hash = unhex(?2)";
        self.step(Some(&self.audited), |session| {
            let row = audit::append(&session.audit_head()?, moment(entry.at)?, entry);
            let size = row.actor.len() + row.action.len() + row.object.len() + row.details.len();
            within("an audit entry", size, AUDIT_ENTRY_BYTES)?;
            let AuditRow { seq, at, actor, action, object, details, prev_hash, hash } = &row;
            let seq = signed(*seq);
            session
                .statement(INSERT)?
                .execute(params![seq, at, actor, action, object, details, prev_hash, hash])?;
            session.statement(HEAD)?.execute(params![seq, hash])?;
            Ok(row)
        })
    }
}

impl Session<'_> {
    /// A step that must be in the audit log.
    fn lasting<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.step(Some(&self.wrote), work)
    }

    /// A step that leaves nothing for later.
    fn passing<T>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.step(None, work)
    }

    fn note_state(
        &self,
        number: &str,
        state: &str,
        at: OffsetDateTime,
        act: &str,
    ) -> Result<(), StoreError> {
        const INSERT: &str =
            "INSERT INTO licence_states (number, state, at, act) VALUES (?1, ?2, ?3, ?4)";
        self.statement(INSERT)?.execute(params![number, state, moment(at)?, act])?;
        Ok(())
    }
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size > limit { Err(StoreError::TooLarge { what, limit }) } else { Ok(()) }
}
