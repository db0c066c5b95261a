mod any_order;

use time::Duration;
use time::macros::{date, datetime};

use super::*;
use crate::licensing::case::{CheckStage, Decision, Examination, Signer};
use crate::licensing::catalogue::Catalogue;
use crate::licensing::sample;
use crate::reason::ReasonCode;
use OfficerRole as R;

const START: OffsetDateTime = datetime!(2026-11-20 10:00 +5);

fn begin() -> Case {
    let new = NewCase {
        id: "c-1".into(),
        procedure: "issue".into(),
        form: "export".into(),
        applicant: sample::applicant(),
        applicant_name: "«Ұлы Дала Экспорт» ЖШС".into(),
        language: Language::Kk,
    };
    open(&sample::service(), new, START).unwrap().case
}

fn officer(id: &str, role: R) -> Actor {
    let appointment = Appointment { role, service: None, from: date!(2026 - 01 - 01), to: None };
    Actor::Officer(Officer { id: id.into(), name: id.into(), appointments: vec![appointment] })
}

fn applicant() -> Actor {
    Actor::Applicant(sample::applicant())
}

fn check(stage: CheckStage, certificate: char, reasons: &[ReasonCode]) -> Command {
    Command::RecordCheck(CheckOutcome {
        stage,
        certificate: sample::digest(certificate),
        signer: Signer {
            name: "АСҚАРОВ АСҚАР ТӨЛЕУҰЛЫ".into(),
            iin: "871008401427".parse().ok(),
            bin: "940140000385".parse().ok(),
        },
        reasons: reasons.to_vec(),
        evidence: vec![sample::digest('e')],
    })
}

fn refusal() -> Decision {
    Decision::Refuse {
        grounds: vec!["data-untrue".into()], reason: "Келісімшарт қайшы.".into()
    }
}

fn examined(proposal: Decision) -> StepAct {
    let sound = proposal == Decision::Issue;
    StepAct::Examine(Examination { complete: true, corresponds: sound, proposal })
}

fn returned() -> StepAct {
    StepAct::Return { remarks: "Толықтырыңыз.".into() }
}

/// A command of the walk from draft to delivery, made for the case it meets.
type Move = Box<dyn Fn(&Case) -> (Command, Actor)>;

fn act(who: &'static str, role: R, act: StepAct) -> Move {
    Box::new(move |case| {
        (Command::Act { seen: case.version, act: act.clone() }, officer(who, role))
    })
}

fn own(command: Command) -> Move {
    Box::new(move |_| (command.clone(), applicant()))
}

fn system(command: Command) -> Move {
    Box::new(move |_| (command.clone(), Actor::System))
}

fn walk(decision: Decision) -> Vec<Move> {
    let signed = |document| -> Move {
        let command = Command::RecordSigned {
            document,
            sha256: sample::digest('d'),
            presentations: BTreeMap::new(),
        };
        Box::new(move |_| (command.clone(), officer("head", R::Head)))
    };
    let attachment = sample::attachment("contract.pdf");
    vec![
        own(Command::Fill(sample::values())),
        own(Command::Attach { document: "contract".into(), attachment }),
        system(Command::RequestPayment { reference: "pay-1".into(), tenge: 43_250 }),
        system(Command::ConfirmPayment {
            reference: "pay-1".into(),
            evidence: sample::digest('b'),
        }),
        system(check(CheckStage::Choice, 'c', &[])),
        system(check(CheckStage::Signing, 'c', &[])),
        system(check(CheckStage::Registration, 'c', &[])),
        system(Command::Register {
            incoming_number: "KZ26RAA00000001".into(),
            request: sample::digest('f'),
        }),
        act("chancery", R::Chancery, StepAct::Route),
        act("department", R::HeadOfDepartment, StepAct::Assign { expert: "expert".into() }),
        act("expert", R::Expert, examined(decision.clone())),
        act("lawyer", R::LegalService, StepAct::Agree),
        act("head", R::Head, StepAct::Decide(decision)),
        system(Command::AssignNumber { number: "KZ26LAA00000001".into() }),
        signed(DocumentKind::ResultXml),
        signed(DocumentKind::ResultPdf),
        system(Command::Deliver),
    ]
}

/// Makes one move, which must be taken.
fn go(case: &mut Case, step: &Move) -> Vec<Event> {
    let (command, actor) = step(case);
    let now = case.updated_at + Duration::minutes(1);
    let said = format!("{command:?}");
    let applied = apply(&sample::service(), case, command, &actor, now)
        .unwrap_or_else(|e| panic!("{said} in {:?}: {e}", case.state));
    *case = applied.case;
    applied.events
}

fn after(moves: usize, decision: Decision) -> Case {
    let mut case = begin();
    for step in walk(decision).iter().take(moves) {
        go(&mut case, step);
    }
    case
}

fn refused(case: &Case, step: &Move) -> WorkflowError {
    let (command, actor) = step(case);
    apply(&sample::service(), case, command, &actor, case.updated_at).unwrap_err()
}

#[test]
fn the_walk_leads_through_every_state_to_delivery_and_each_move_may_be_repeated() {
    for decision in [Decision::Issue, refusal()] {
        let mut case = begin();
        let mut made: Vec<(Command, Actor)> = Vec::new();
        let mut states = vec![case.state.clone()];
        for step in walk(decision.clone()) {
            made.push(step(&case));
            let events = go(&mut case, &step);
            assert_eq!(events.len(), 1);
            states.push(case.state.clone());
            // A client that lost an answer repeats any earlier command: nothing moves.
            for (command, actor) in &made {
                let later = case.updated_at + Duration::days(1);
                let again = apply(&sample::service(), &case, command.clone(), actor, later);
                assert_eq!(
                    again,
                    Ok(Applied { case: case.clone(), events: vec![] }),
                    "{command:?}"
                );
            }
        }
        let names: Vec<String> = states
            .iter()
            .map(|state| match state {
                CaseState::AtStep { step } => step.clone(),
                other => other.as_str().to_owned(),
            })
            .collect();
        assert_eq!(
            names.join(" "),
            "draft draft awaiting-payment awaiting-payment awaiting-certificate ready-to-sign \
             ready-to-sign ready-to-sign intake assignment examination agreement decision signing \
             signing signing delivery closed"
        );
        assert_eq!(case.decision(), Some(&decision));
        assert_eq!(case.result_number.as_deref(), Some("KZ26LAA00000001"));
        assert_eq!(case.licence_number().is_some(), decision == Decision::Issue);
        assert_eq!(case.documents.len(), 3);
        let json = serde_json::to_string(&case).unwrap();
        assert_eq!(serde_json::from_str::<Case>(&json).unwrap(), case);
    }
}

#[test]
fn a_refused_certificate_keeps_the_draft_and_the_payment() {
    let case = after(5, Decision::Issue);
    for stage in [CheckStage::Choice, CheckStage::Signing, CheckStage::Registration] {
        let mut refused = case.clone();
        go(&mut refused, &system(check(stage, 'c', &[ReasonCode::Revoked])));
        assert_eq!(refused.state, CaseState::AwaitingCertificate);
        assert_eq!(refused.values, case.values);
        assert_eq!(refused.enclosures, case.enclosures);
        assert_eq!(refused.payment, case.payment);
        // The same certificate with the same evidence may be tried again, or another.
        for certificate in ['c', '9'] {
            let mut again = refused.clone();
            go(&mut again, &system(check(CheckStage::Choice, certificate, &[])));
            assert_eq!(again.state, CaseState::ReadyToSign);
            assert!(!again.checked(CheckStage::Signing), "an old check must not count");
        }
    }
}

#[test]
fn registration_needs_both_checks_of_the_chosen_certificate_for_what_is_signed() {
    let register = &walk(Decision::Issue)[7];
    assert_eq!(refused(&after(4, Decision::Issue), register), WorkflowError::WrongState);
    for moves in [5, 6] {
        assert_eq!(refused(&after(moves, Decision::Issue), register), WorkflowError::ChecksMissing);
    }
    let mut edited = after(7, Decision::Issue);
    let mut values = sample::values();
    values.insert("quantity".into(), "9000".into());
    go(&mut edited, &own(Command::Fill(values)));
    assert_eq!(edited.state, CaseState::ReadyToSign);
    assert_eq!(refused(&edited, register), WorkflowError::ChecksMissing);
    let other = system(check(CheckStage::Signing, '9', &[]));
    assert_eq!(refused(&after(7, Decision::Issue), &other), WorkflowError::CertificateNotChosen);
}

#[test]
fn the_authorised_person_is_the_signer_and_the_number_comes_with_registration() {
    let form = sample::service().form("export").unwrap().clone();
    let value =
        |moves, key: &str| after(moves, Decision::Issue).completed_values(&form).remove(key);
    assert_eq!(value(4, "authorised-person"), None);
    assert_eq!(value(5, "authorised-person").unwrap(), "АСҚАРОВ АСҚАР ТӨЛЕУҰЛЫ");
    assert_eq!(value(7, "number"), None);
    assert_eq!(value(8, "number").unwrap(), "KZ26RAA00000001");
    assert_eq!(value(1, "licence-type").unwrap(), "ЭКСПОРТ");
    let whole = after(8, Decision::Issue).completed_values(&form);
    let faults =
        crate::licensing::form::validate(&form, &whole, crate::licensing::form::Stage::Registered);
    assert_eq!(faults, []);
}

#[test]
fn only_the_right_hands_do_a_step() {
    use WorkflowError as E;
    let at = |moves| after(moves, Decision::Issue);
    let refuse = |moves, step: Move| refused(&at(moves), &step);
    assert_eq!(refuse(8, act("x", R::Head, StepAct::Route)), E::RoleMissing(R::Chancery));
    assert_eq!(refuse(10, act("other", R::Expert, examined(Decision::Issue))), E::NotAssigned);
    assert_eq!(refuse(11, act("expert", R::LegalService, StepAct::Agree)), E::SamePerson);
    let decide = || StepAct::Decide(Decision::Issue);
    assert_eq!(refuse(12, act("expert", R::Head, decide())), E::SamePerson);
    assert_eq!(refuse(12, act("lawyer", R::Head, decide())), E::SamePerson);
    let sign = |who| -> Move {
        let command = Command::RecordSigned {
            document: DocumentKind::ResultXml,
            presentations: BTreeMap::new(),
            sha256: sample::digest('d'),
        };
        Box::new(move |_| (command.clone(), officer(who, R::Head)))
    };
    assert_eq!(refuse(14, sign("expert")), E::SamePerson);
    go(&mut at(14), &sign("deputy"));
    // An appointment for another service, or one that has ended, gives no right.
    let mut case = at(8);
    for (service, to) in [(Some("other".into()), None), (None, Some(date!(2026 - 11 - 19)))] {
        let appointment =
            Appointment { role: R::Chancery, service, from: date!(2026 - 01 - 01), to };
        let who = Officer { id: "c".into(), name: "c".into(), appointments: vec![appointment] };
        assert_eq!(
            may_act(&sample::service(), &case, &who, case.updated_at),
            Err(E::RoleMissing(R::Chancery))
        );
    }
    let stranger = Actor::Applicant(Applicant::Person { iin: "871008401427".parse().unwrap() });
    let seen = case.version;
    for actor in [stranger, applicant(), Actor::System] {
        let command = Command::Act { seen, act: StepAct::Route };
        assert!(apply(&sample::service(), &case, command, &actor, START).is_err());
    }
    go(&mut case, &act("chancery", R::Chancery, StepAct::Route));
}

#[test]
fn a_returned_case_is_examined_anew_by_its_expert() {
    let mut case = after(11, Decision::Issue);
    let old = Command::Act { seen: case.version - 1, act: examined(Decision::Issue) };
    go(&mut case, &act("lawyer", R::LegalService, returned()));
    assert_eq!(case.state, CaseState::AtStep { step: "examination".into() });
    // The expert's old command arriving late is a repeat, not a second examination.
    let expert = officer("expert", R::Expert);
    let late = apply(&sample::service(), &case, old, &expert, case.updated_at).unwrap();
    assert_eq!(late.events, []);
    assert_eq!(late.case, case);
    go(&mut case, &act("expert", R::Expert, examined(Decision::Issue)));
    go(&mut case, &act("lawyer", R::LegalService, StepAct::Agree));
    go(&mut case, &act("head", R::Head, returned()));
    go(&mut case, &act("department", R::HeadOfDepartment, StepAct::Assign { expert: "e2".into() }));
    assert_eq!(case.state, CaseState::AtStep { step: "examination".into() });
    let old_expert = act("expert", R::Expert, examined(refusal()));
    assert_eq!(refused(&case, &old_expert), WorkflowError::NotAssigned);
    go(&mut case, &act("e2", R::Expert, examined(refusal())));
    go(&mut case, &act("lawyer", R::LegalService, StepAct::Agree));
    let issue = act("head", R::Head, StepAct::Decide(Decision::Issue));
    assert_eq!(refused(&case, &issue), WorkflowError::IssueNotProposed);
    go(&mut case, &act("head", R::Head, StepAct::Decide(refusal())));
    assert_eq!(case.decision(), Some(&refusal()));
}

#[test]
fn a_refusal_needs_known_grounds_and_a_written_reason() {
    use WorkflowError as E;
    let case = after(10, Decision::Issue);
    let long = "ә".repeat(4_001);
    for (grounds, reason, expected) in [
        (&[][..], "why", E::GroundMissing),
        (&["no-such"], "why", E::UnknownGround),
        (&["data-untrue", "data-untrue"], "why", E::UnknownGround),
        (&["data-untrue"], " \n", E::TextMissing),
        (&["data-untrue"], "a\u{0}b", E::TextRefused),
        (&["data-untrue"], &long, E::TextRefused),
    ] {
        let grounds = grounds.iter().map(|g| (*g).to_owned()).collect();
        let proposal = Decision::Refuse { grounds, reason: reason.into() };
        assert_eq!(refused(&case, &act("expert", R::Expert, examined(proposal))), expected);
    }
    for (complete, corresponds) in [(false, true), (true, false)] {
        let found = Examination { complete, corresponds, proposal: Decision::Issue };
        let found = act("expert", R::Expert, StepAct::Examine(found));
        assert_eq!(refused(&case, &found), E::ProposalContradicts);
    }
    let blank = StepAct::Return { remarks: String::new() };
    let at_law = after(11, Decision::Issue);
    assert_eq!(refused(&at_law, &act("lawyer", R::LegalService, blank)), E::TextMissing);
}

#[test]
fn what_was_seen_must_be_what_is_there() {
    let case = after(8, Decision::Issue);
    for seen in [0, case.version - 1, case.version + 1] {
        let command = Command::Act { seen, act: StepAct::Route };
        let chancery = officer("chancery", R::Chancery);
        let error = apply(&sample::service(), &case, command, &chancery, START).unwrap_err();
        assert_eq!(error, WorkflowError::Stale);
    }
    // Two officers act on the same version: the second is told so, not taken for the first.
    let mut routed = case.clone();
    go(&mut routed, &act("chancery", R::Chancery, StepAct::Route));
    let second = Command::Act { seen: case.version, act: StepAct::Route };
    let other = officer("other", R::Chancery);
    assert_eq!(
        apply(&sample::service(), &routed, second, &other, START),
        Err(WorkflowError::Stale)
    );
}

#[test]
fn payment_is_the_fee_of_the_day_once() {
    use WorkflowError as E;
    let pay = |reference: &str, tenge| {
        system(Command::RequestPayment { reference: reference.into(), tenge })
    };
    let no = |reference: &str| {
        system(Command::RefusePayment { reference: reference.into(), reason: "declined".into() })
    };
    let mut case = after(2, Decision::Issue);
    assert_eq!(refused(&case, &pay("p", 43_249)), E::AmountDiffers);
    assert_eq!(refused(&begin(), &pay("p", 43_250)), E::WrongState);
    go(&mut case, &pay("p", 43_250));
    assert_eq!(refused(&case, &pay("q", 43_250)), E::PaymentUnderWay);
    assert_eq!(refused(&case, &no("q")), E::UnknownPayment);
    go(&mut case, &no("p"));
    assert_eq!(case.state, CaseState::AwaitingPayment);
    go(&mut case, &pay("q", 43_250));
    let yes = |reference: &str| {
        let evidence = sample::digest('b');
        system(Command::ConfirmPayment { reference: reference.into(), evidence })
    };
    assert_eq!(refused(&case, &yes("p")), E::UnknownPayment);
    go(&mut case, &yes("q"));
    assert_eq!(case.state, CaseState::AwaitingCertificate);
    assert_eq!(refused(&case, &no("q")), E::PaymentNotDue);
    assert_eq!(refused(&case, &pay("r", 43_250)), E::PaymentNotDue);
}

#[test]
fn a_draft_keeps_unfinished_values_and_refuses_what_cannot_be_kept() {
    let mut case = after(2, Decision::Issue);
    let filled = |key: &str, text: &str| -> Move {
        let mut values = sample::values();
        values.insert(key.into(), text.into());
        own(Command::Fill(values))
    };
    go(&mut case, &filled("period.to", "31.1"));
    assert_eq!(case.values["period.to"], "31.1");
    assert_eq!(case.state, CaseState::Draft);
    for (key, text) in [("nonsense", "x"), ("buyer", "a\u{202e}b"), ("number", "7")] {
        match refused(&case, &filled(key, text)) {
            WorkflowError::FormFaults(faults) => assert_eq!(faults[0].field, key),
            other => panic!("{other}"),
        }
    }
    let registered = after(8, Decision::Issue);
    assert_eq!(refused(&registered, &filled("buyer", "Other")), WorkflowError::WrongState);
}

#[test]
fn attachments_are_bounded_named_once_and_never_paths() {
    use WorkflowError as E;
    let attach = |document: &str, change: &dyn Fn(&mut Attachment)| -> Move {
        let mut attachment = sample::attachment("a.pdf");
        change(&mut attachment);
        own(Command::Attach { document: document.into(), attachment })
    };
    let mut case = begin();
    assert_eq!(refused(&case, &attach("nonsense", &|_| {})), E::UnknownDocument);
    for name in ["../a", "a\\b", "", " ", "a\u{0}b", "fdp\u{202e}.exe"] {
        let step = attach("other", &|a| a.name = name.into());
        assert_eq!(refused(&case, &step), E::AttachmentRefused, "{name:?}");
    }
    for size in [0, u64::MAX] {
        let step = attach("other", &|a| a.size = size);
        assert_eq!(refused(&case, &step), E::AttachmentRefused);
    }
    assert_eq!(refused(&case, &attach("other", &|a| a.sha256 = "AB".into())), E::BadDigest);
    go(&mut case, &attach("other", &|_| {}));
    let twice = attach("other", &|a| a.sha256 = sample::digest('b'));
    assert_eq!(refused(&case, &twice), E::AttachmentNameTaken);
    for number in 1..crate::limits::ATTACHMENTS {
        go(&mut case, &attach("other", &|a| a.name = format!("{number}.pdf")));
    }
    let more = attach("other", &|a| a.name = "more.pdf".into());
    assert_eq!(refused(&case, &more), E::TooManyAttachments);
}

#[test]
fn nothing_begins_outside_the_rules() {
    use WorkflowError as E;
    let new = NewCase {
        id: "c".into(),
        procedure: "issue".into(),
        form: "export".into(),
        applicant: sample::applicant(),
        applicant_name: "x".into(),
        language: Language::Ru,
    };
    let service = sample::service();
    let eve = datetime!(2026-07-11 23:59 +5);
    assert_eq!(open(&service, new.clone(), eve), Err(E::NotInForce));
    assert!(open(&service, new.clone(), eve + Duration::minutes(1)).is_ok());
    let with = |change: &dyn Fn(&mut NewCase)| {
        let mut new = new.clone();
        change(&mut new);
        open(&service, new, START).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(&|n| n.procedure = "duplicate".into()), E::ProcedureNotOpen);
    assert_eq!(with(&|n| n.form = "transit".into()), E::UnknownForm);
    let mut only_bin = sample::service();
    only_bin.applicants = vec![crate::licensing::catalogue::ApplicantKind::Bin];
    let person = Applicant::Person { iin: "871008401427".parse().unwrap() };
    let asked = NewCase { applicant: person, ..new };
    assert_eq!(open(&only_bin, asked, START), Err(E::ApplicantNotTaken));
}

#[test]
fn a_free_service_asks_for_no_payment_and_other_steps_need_no_code() {
    let source = include_str!("../catalogue/import-export-licence.toml");
    // The head of department endorses in place of the legal service, as in the services of 2019.
    let free =
        source.replacen("[[fee]]\nindices = 10\nin_force = { from = \"2026-07-12\" }\n", "", 1);
    let other = free.replacen("role = \"legal-service\"", "role = \"head-of-department\"", 1);
    let rates = include_str!("../catalogue/rates.toml");
    let catalogue = Catalogue::from_sources(&[&other], rates).unwrap();
    let service = &catalogue.services()[0];
    let mut case = begin();
    case.payment = Payment::NotRequired;
    let go = |case: &mut Case, step: &Move| {
        let (command, actor) = step(case);
        *case = apply(service, case, command, &actor, START).unwrap().case;
    };
    let walk = walk(Decision::Issue);
    for place in (0..17).filter(|place| ![2, 3].contains(place)) {
        if place == 11 {
            go(&mut case, &act("department", R::HeadOfDepartment, StepAct::Agree));
        } else {
            go(&mut case, &walk[place]);
        }
    }
    assert_eq!(case.state, CaseState::Closed);
}

#[test]
fn deadlines_run_from_the_step_or_from_registration() {
    let service = sample::service();
    let calendar = Calendar::embedded().unwrap();
    let at = |moves| due(&service, &after(moves, Decision::Issue), &calendar);
    assert_eq!(at(7), None);
    assert_eq!(at(8), Some(datetime!(2026-11-20 10:23 +5)));
    assert_eq!(at(10), Some(datetime!(2026-11-23 18:30 +5)));
    assert_eq!(at(16), None);
}
