-- Schema 1. A later schema is a further file; this one never changes once it was released.
-- Moments are RFC 3339 in UTC with nine digits of a second: their order is that of the texts.

CREATE TABLE documents (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL CHECK (length(bytes) = size)
) STRICT;

CREATE TABLE cases (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    owner_iin TEXT,
    owner_bin TEXT,
    service TEXT NOT NULL,
    state TEXT NOT NULL,
    incoming_number TEXT UNIQUE,
    body TEXT NOT NULL CHECK (json_valid(body)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX cases_by_owner_iin ON cases (owner_iin) WHERE owner_iin IS NOT NULL;
CREATE INDEX cases_by_owner_bin ON cases (owner_bin) WHERE owner_bin IS NOT NULL;
CREATE INDEX cases_by_state ON cases (state, service);
CREATE TRIGGER incoming_number_is_fixed BEFORE UPDATE OF incoming_number ON cases
    WHEN OLD.incoming_number IS NOT NULL AND NEW.incoming_number IS NOT OLD.incoming_number
    BEGIN SELECT RAISE(ABORT, 'an incoming number is fixed once given'); END;

CREATE TABLE evidence (
    place INTEGER PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id),
    step TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body))
) STRICT;
CREATE INDEX evidence_by_case ON evidence (case_id);

-- The next number is the highest plus one, so no row may ever go.
CREATE TABLE numbers (
    series TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    holder TEXT NOT NULL,
    PRIMARY KEY (series, number),
    UNIQUE (series, holder)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER numbers_stay BEFORE DELETE ON numbers
    BEGIN SELECT RAISE(ABORT, 'a number stays with its holder'); END;
CREATE TRIGGER numbers_are_fixed BEFORE UPDATE ON numbers
    BEGIN SELECT RAISE(ABORT, 'a number stays with its holder'); END;

CREATE TABLE licences (
    place INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL UNIQUE,
    case_id TEXT NOT NULL UNIQUE REFERENCES cases (id),
    service TEXT NOT NULL,
    kind TEXT NOT NULL,
    holder_name TEXT NOT NULL,
    holder_iin TEXT,
    holder_bin TEXT,
    state TEXT NOT NULL,
    issued_at TEXT NOT NULL,
    valid_from TEXT,
    valid_to TEXT,
    xml_sha256 TEXT NOT NULL REFERENCES documents (sha256)
) STRICT;
CREATE INDEX licences_by_holder_iin ON licences (holder_iin) WHERE holder_iin IS NOT NULL;
CREATE INDEX licences_by_holder_bin ON licences (holder_bin) WHERE holder_bin IS NOT NULL;

CREATE TABLE licence_pdfs (
    number TEXT NOT NULL REFERENCES licences (number),
    language TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES documents (sha256),
    PRIMARY KEY (number, language)
) STRICT, WITHOUT ROWID;

CREATE TABLE licence_states (
    place INTEGER PRIMARY KEY,
    number TEXT NOT NULL REFERENCES licences (number),
    state TEXT NOT NULL,
    at TEXT NOT NULL,
    act TEXT NOT NULL
) STRICT;
CREATE INDEX licence_states_by_number ON licence_states (number);

CREATE TABLE tickets (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)),
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX tickets_by_expiry ON tickets (expires_at);

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    details TEXT NOT NULL,
    prev_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_object ON audit (object);

-- The head moves with each row, in its transaction, so that a tail cut off is noticed.
CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    rows INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (id, rows, hash) VALUES (1, 0, zeroblob(32));

-- REPLACE fires no trigger of deletion: that of insertion keeps it from the rows that are there.
CREATE TRIGGER audit_only_grows BEFORE INSERT ON audit
    WHEN NEW.seq IS NOT (SELECT rows + 1 FROM audit_head)
    BEGIN SELECT RAISE(ABORT, 'the audit log grows at its end only'); END;
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log cannot be changed'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log cannot be shortened'); END;
CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head
    WHEN NEW.id IS NOT 1 OR NEW.rows IS NOT OLD.rows + 1
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log only grows'); END;
CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the audit log has one head'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log stays'); END;
