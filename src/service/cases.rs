//! Between the workflow, which is pure, and the store, which knows nothing of it: loading a case,
//! applying a command, and writing the outcome with its audit rows in one change.

use time::Duration;

use super::{App, Session};
use crate::identity::Applicant;
use crate::licensing::catalogue::Service;
use crate::licensing::workflow::{self, Actor, Appointment, Command, Event, Officer};
use crate::licensing::{Case, CaseState, almaty};
use crate::problem::{Kind, Problem};
use crate::store::audit::AuditEntry;
use crate::store::{CaseRow, Change, View};

/// A case as it was read, with what is needed to write it back.
pub(super) struct Loaded {
    /// The case.
    pub case: Case,
    row: CaseRow,
}

impl Loaded {
    /// Reads a case.
    pub fn find(view: &(impl View + ?Sized), id: &str) -> Result<Option<Self>, Problem> {
        let Some(row) = view.case(id)? else { return Ok(None) };
        let case = serde_json::from_str(&row.body).map_err(Problem::internal)?;
        Ok(Some(Self { case, row }))
    }

    /// Reads the case of this applicant; another's is not found.
    pub fn own(view: &(impl View + ?Sized), id: &str, session: &Session) -> Result<Self, Problem> {
        let found = Self::find(view, id)?.filter(|found| session.is(&found.case.applicant));
        found.ok_or_else(no_such_request)
    }

    /// Reads a registered case for an officer who holds an office in its service.
    pub fn at_authority(
        app: &App,
        view: &(impl View + ?Sized),
        id: &str,
        session: &Session,
    ) -> Result<(Self, Officer), Problem> {
        let found = Self::find(view, id)?.filter(|found| !found.case.state.before_registration());
        let found = found.ok_or_else(no_such_request)?;
        let officer = app.officer(session).filter(|officer| app.serves(officer, &found.case));
        let officer = officer.ok_or_else(|| {
            Problem::new(Kind::Forbidden, "no-office", "You hold no office for this service today.")
        })?;
        Ok((found, officer))
    }

    /// Applies a command and writes what it changed; a repeated command writes nothing.
    pub fn apply(
        &mut self,
        app: &App,
        change: &mut dyn Change,
        command: Command,
        actor: &Actor,
    ) -> Result<(), Problem> {
        let service = app.service_of(&self.case)?;
        let applied = workflow::apply(service, &self.case, command, actor, app.now())?;
        self.case = applied.case;
        self.write(change, &applied.events)
    }

    fn write(&mut self, change: &mut dyn Change, events: &[Event]) -> Result<(), Problem> {
        if events.is_empty() {
            return Ok(());
        }
        let version = self.row.version;
        self.row = CaseRow { version, ..row(&self.case)? };
        self.row.version = change.put_case(&self.row)?;
        for event in events {
            change.audit_append(&entry(event))?;
        }
        Ok(())
    }
}

impl App {
    /// Begins a case; beginning the same one again finds it as it is.
    pub(super) fn open_case(
        &self,
        change: &mut dyn Change,
        service: &str,
        new: workflow::NewCase,
    ) -> Result<Loaded, Problem> {
        let now = self.now();
        let service = self.service_today(service)?;
        let applied = workflow::open(service, new, now)?;
        let mut loaded = Loaded { row: row(&applied.case)?, case: applied.case };
        loaded.write(change, &applied.events)?;
        Ok(loaded)
    }

    /// The service under today's rules.
    pub(super) fn service_today(&self, id: &str) -> Result<&Service, Problem> {
        let today = almaty(self.now()).date();
        self.catalogue.service_on(id, today).ok_or_else(|| {
            Problem::new(Kind::NotFound, "no-such-service", "There is no such service today.")
        })
    }

    /// The service under the rules a case falls under: those of its registration day.
    pub(super) fn service_of(&self, case: &Case) -> Result<&Service, Problem> {
        let day = almaty(case.registered_at.unwrap_or_else(|| self.now())).date();
        self.catalogue.service_on(&case.service, day).ok_or_else(|| {
            Problem::new(Kind::Conflict, "no-rules", "No rules of the service hold on that day.")
        })
    }

    /// The officer behind a session, with the appointments of the authority's list.
    pub(super) fn officer(&self, session: &Session) -> Option<Officer> {
        let mut name = None;
        let mut appointments = Vec::new();
        for officer in self.officers(session) {
            name.get_or_insert_with(|| officer.name.clone());
            let every = officer.services.is_empty().then_some(None);
            let named = officer.services.iter().cloned().map(Some);
            appointments.extend(every.into_iter().chain(named).map(|service| Appointment {
                role: officer.role,
                service,
                from: officer.from,
                to: Some(officer.until),
            }));
        }
        let id = session.iin.as_ref()?.to_string();
        Some(Officer { id, name: name?, appointments })
    }

    fn serves(&self, officer: &Officer, case: &Case) -> bool {
        let today = almaty(self.now()).date();
        let mut roles = officer.appointments.iter().map(|appointment| appointment.role);
        roles.any(|role| officer.holds(role, &case.service, today))
    }

    /// When a prepared signature that nobody completes is forgotten.
    pub(super) fn pending_until(&self) -> time::OffsetDateTime {
        self.now() + Duration::seconds(crate::limits::PENDING_SECONDS)
    }
}

impl Session {
    /// Whether this person acts for the applicant.
    pub(super) fn is(&self, applicant: &Applicant) -> bool {
        match applicant {
            Applicant::Person { iin } => self.iin.as_ref() == Some(iin),
            Applicant::Organisation { bin } => self.bin.as_ref() == Some(bin),
        }
    }
}

/// The problem for a case that is not there, or not this person's.
pub(super) fn no_such_request() -> Problem {
    Problem::new(Kind::NotFound, "no-such-request", "There is no such request.")
}

/// The state as the store's column keeps it: the step's id, so that tasks are found by it.
pub(super) fn state_column(state: &CaseState) -> String {
    match state {
        CaseState::AtStep { step } => format!("at-step:{step}"),
        state => state.as_str().to_owned(),
    }
}

fn row(case: &Case) -> Result<CaseRow, Problem> {
    let (owner_iin, owner_bin) = match &case.applicant {
        Applicant::Person { iin } => (Some(iin.to_string()), None),
        Applicant::Organisation { bin } => (None, Some(bin.to_string())),
    };
    Ok(CaseRow {
        id: case.id.clone(),
        version: 0,
        owner_iin,
        owner_bin,
        service: case.service.clone(),
        state: state_column(&case.state),
        incoming_number: case.incoming_number.clone(),
        body: serde_json::to_string(case).map_err(Problem::internal)?,
        created_at: case.created_at,
        updated_at: case.updated_at,
    })
}

fn entry(event: &Event) -> AuditEntry {
    AuditEntry {
        at: event.at,
        actor: event.actor.clone(),
        action: event.code.clone(),
        object: event.case.clone(),
        details: serde_json::json!(event.detail),
    }
}
