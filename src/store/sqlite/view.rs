//! Reading.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, OptionalExtension, Params, Row, ToSql, params, params_from_iter};
use time::OffsetDateTime;

use super::Session;
use crate::crypto::{DigestAlgorithm, digest, hex};
use crate::limits::STORE_PAGE_ROWS;
use crate::store::audit::{AuditHead, AuditRow};
use crate::store::timestamp::{moment, parse_day, parse_moment};
use crate::store::{
    CaseFilter, CaseRow, Document, DocumentInfo, EvidenceRow, LicenceFilter, LicenceKey,
    LicenceRow, LicenceStateRow, StoreError, Ticket, TicketKind, View,
};

const CASE: &str = "SELECT id, version, owner_iin, owner_bin, service, state, incoming_number, \
     body, created_at, updated_at FROM cases";
const LICENCE: &str = "SELECT number, code, case_id, service, kind, holder_name, holder_iin, \
     holder_bin, state, issued_at, valid_from, valid_to, xml_sha256 FROM licences";
const AUDIT: &str = "SELECT seq, at, actor, action, object, details, prev_hash, hash FROM audit";

impl View for Session<'_> {
    fn case(&self, id: &str) -> Result<Option<CaseRow>, StoreError> {
        self.one(&format!("{CASE} WHERE id = ?1"), [id], case)
    }

    fn cases(&self, filter: &CaseFilter) -> Result<Vec<CaseRow>, StoreError> {
        let states = serde_json::to_string(&filter.states).map_err(StoreError::backend)?;
        let states = Some(states).filter(|_| !filter.states.is_empty());
        let (after, order) = match filter.latest_first {
            false => ("place > (SELECT place FROM cases WHERE id = ?)", "place"),
            true => ("place < (SELECT place FROM cases WHERE id = ?)", "place DESC"),
        };
        let terms = [
            ("owner_iin = ?", &filter.owner_iin),
            ("owner_bin = ?", &filter.owner_bin),
            ("service = ?", &filter.service),
            ("state IN (SELECT value FROM json_each(?))", &states),
            (after, &filter.after),
        ];
        self.page(CASE, &terms, order, filter.limit, case)
    }

    fn document(&self, sha256: &str) -> Result<Option<Document>, StoreError> {
        let sql = "SELECT media_type, bytes FROM documents WHERE sha256 = ?1";
        let document = self.one(sql, [sha256], |row| {
            Ok(Document { media_type: row.get(0)?, bytes: row.get(1)? })
        })?;
        match document {
            Some(found) if hex(&digest(DigestAlgorithm::Sha256, &found.bytes)) != sha256 => {
                Err(StoreError::Corrupt(format!("document {sha256} has other bytes")))
            }
            document => Ok(document),
        }
    }

    fn document_info(&self, sha256: &str) -> Result<Option<DocumentInfo>, StoreError> {
        let sql = "SELECT media_type, size FROM documents WHERE sha256 = ?1";
        self.one(sql, [sha256], |row| {
            Ok(DocumentInfo { media_type: row.get(0)?, size: unsigned(row.get(1)?)? })
        })
    }

    fn licence(&self, key: LicenceKey<'_>) -> Result<Option<LicenceRow>, StoreError> {
        let (column, value) = match key {
            LicenceKey::Number(number) => ("number", number),
            LicenceKey::Code(code) => ("code", code),
            LicenceKey::Case(id) => ("case_id", id),
        };
        let found = self.one(&format!("{LICENCE} WHERE {column} = ?1"), [value], licence)?;
        found.map(|row| self.with_pdfs(row)).transpose()
    }

    fn licences(&self, filter: &LicenceFilter) -> Result<Vec<LicenceRow>, StoreError> {
        let terms = [
            ("number = ?", &filter.number),
            ("holder_iin = ?", &filter.holder_iin),
            ("holder_bin = ?", &filter.holder_bin),
            ("service = ?", &filter.service),
            ("state = ?", &filter.state),
            ("place > (SELECT place FROM licences WHERE number = ?)", &filter.after),
        ];
        let rows = self.page(LICENCE, &terms, "place", filter.limit, licence)?;
        rows.into_iter().map(|row| self.with_pdfs(row)).collect()
    }

    fn licence_states(&self, number: &str) -> Result<Vec<LicenceStateRow>, StoreError> {
        let sql = "SELECT state, at, act FROM licence_states WHERE number = ?1 ORDER BY place";
        self.all(sql, [number], |row| {
            let at = parse_moment(&row.get::<_, String>(1)?)?;
            Ok(LicenceStateRow { state: row.get(0)?, at, act: row.get(2)? })
        })
    }

    fn evidence(&self, case_id: &str) -> Result<Vec<EvidenceRow>, StoreError> {
        let sql = "SELECT case_id, step, at, body FROM evidence WHERE case_id = ?1 ORDER BY place";
        self.all(sql, [case_id], |row| {
            let at = parse_moment(&row.get::<_, String>(2)?)?;
            Ok(EvidenceRow { case_id: row.get(0)?, step: row.get(1)?, at, body: row.get(3)? })
        })
    }

    fn ticket(
        &self,
        kind: TicketKind,
        id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Ticket>, StoreError> {
        let sql = "SELECT id, body, bytes, expires_at FROM tickets \
             WHERE kind = ?1 AND id = ?2 AND expires_at > ?3";
        self.one(sql, params![kind.as_str(), id, moment(now)?], |row| {
            let expires_at = parse_moment(&row.get::<_, String>(3)?)?;
            Ok(Ticket { kind, id: row.get(0)?, body: row.get(1)?, bytes: row.get(2)?, expires_at })
        })
    }

    fn audit(&self, after: u64) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!("{AUDIT} WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        self.all(&sql, params![signed(after), STORE_PAGE_ROWS as i64], audit)
    }

    fn audit_of(&self, object: &str, after: u64) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!("{AUDIT} WHERE object = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
        self.all(&sql, params![object, signed(after), STORE_PAGE_ROWS as i64], audit)
    }

    fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let head = self.one("SELECT rows, hash FROM audit_head", [], |row| {
            Ok(AuditHead { rows: unsigned(row.get(0)?)?, hash: hex(&row.get::<_, Vec<u8>>(1)?) })
        })?;
        head.ok_or_else(|| StoreError::Corrupt("the head of the audit log is missing".into()))
    }
}

impl Session<'_> {
    fn with_pdfs(&self, mut licence: LicenceRow) -> Result<LicenceRow, StoreError> {
        let sql = "SELECT language, sha256 FROM licence_pdfs WHERE number = ?1";
        let pdfs = self.all(sql, [&licence.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        licence.pdf_sha256 = pdfs.into_iter().collect();
        Ok(licence)
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        // The reader's own error travels inside the row's.
        statement.query_row(parameters, |row| Ok(read(row))).optional()?.transpose()
    }

    fn all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// Rows that fit every term whose value is given. Terms are fixed text, values are bound.
    fn page<T>(
        &self,
        select: &str,
        terms: &[(&'static str, &Option<String>)],
        order: &'static str,
        limit: Option<usize>,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let given = || terms.iter().filter_map(|(term, value)| Some((term, value.as_ref()?)));
        let mut sql = format!("{select} WHERE TRUE");
        for (term, _) in given() {
            sql.push_str(" AND ");
            sql.push_str(term);
        }
        sql.push_str(" ORDER BY ");
        sql.push_str(order);
        sql.push_str(" LIMIT ?");
        let limit = limit.unwrap_or(STORE_PAGE_ROWS).min(STORE_PAGE_ROWS) as i64;
        let values = given().map(|(_, value)| value as &dyn ToSql);
        self.all(&sql, params_from_iter(values.chain([&limit as &dyn ToSql])), read)
    }

    pub(super) fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.connection.prepare_cached(sql)?)
    }
}

fn case(row: &Row<'_>) -> Result<CaseRow, StoreError> {
    Ok(CaseRow {
        id: row.get(0)?,
        version: unsigned(row.get(1)?)?,
        owner_iin: row.get(2)?,
        owner_bin: row.get(3)?,
        service: row.get(4)?,
        state: row.get(5)?,
        incoming_number: row.get(6)?,
        body: row.get(7)?,
        created_at: parse_moment(&row.get::<_, String>(8)?)?,
        updated_at: parse_moment(&row.get::<_, String>(9)?)?,
    })
}

fn licence(row: &Row<'_>) -> Result<LicenceRow, StoreError> {
    let day = |column| row.get::<_, Option<String>>(column);
    Ok(LicenceRow {
        number: row.get(0)?,
        code: row.get(1)?,
        case_id: row.get(2)?,
        service: row.get(3)?,
        kind: row.get(4)?,
        holder_name: row.get(5)?,
        holder_iin: row.get(6)?,
        holder_bin: row.get(7)?,
        state: row.get(8)?,
        issued_at: parse_moment(&row.get::<_, String>(9)?)?,
        valid_from: day(10)?.as_deref().map(parse_day).transpose()?,
        valid_to: day(11)?.as_deref().map(parse_day).transpose()?,
        xml_sha256: row.get(12)?,
        pdf_sha256: Default::default(),
    })
}

/// Reads what is there, whatever it is: the check of the chain shall name the row that was spoilt.
fn audit(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let text = |column| -> Result<String, StoreError> {
        Ok(match row.get_ref(column)? {
            ValueRef::Text(octets) => String::from_utf8_lossy(octets).into_owned(),
            _ => String::new(),
        })
    };
    let hash = |column| -> Result<String, StoreError> {
        Ok(match row.get_ref(column)? {
            ValueRef::Blob(octets) => hex(octets),
            _ => String::new(),
        })
    };
    Ok(AuditRow {
        seq: unsigned(row.get(0)?)?,
        at: text(1)?,
        actor: text(2)?,
        action: text(3)?,
        object: text(4)?,
        details: text(5)?,
        prev_hash: hash(6)?,
        hash: hash(7)?,
    })
}

/// SQLite counts in 64 bits with a sign.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(count: i64) -> Result<u64, StoreError> {
    u64::try_from(count).map_err(|_| StoreError::Corrupt(format!("a count of {count}")))
}
