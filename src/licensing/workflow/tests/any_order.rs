//! Commands in any order: no case breaks, nothing is lost, no step is skipped.

use proptest::prelude::*;
use time::Duration;

use super::*;

/// Any command, sensible or not, for the case it meets.
fn any_move(pick: u8, who: u8, case: &Case) -> (Command, Actor) {
    let sensible = walk(if who.is_multiple_of(2) { Decision::Issue } else { refusal() });
    if let Some(step) = sensible.get(usize::from(pick)) {
        let (command, actor) = step(case);
        let actor = if who < 200 { actor } else { any_actor(who) };
        return (command, actor);
    }
    let seen =
        if who < 128 { case.version } else { case.version.saturating_sub(u64::from(who) % 5) };
    let command = match pick % 12 {
        0 => check(CheckStage::Choice, '9', &[]),
        1 => check(CheckStage::Signing, 'c', &[ReasonCode::RevocationUnknown]),
        2 => Command::Detach { name: "contract.pdf".into() },
        3 => Command::Fill(BTreeMap::new()),
        4 => Command::RefusePayment { reference: "pay-1".into(), reason: "no".into() },
        5 => Command::Act { seen, act: returned() },
        6 => Command::Act { seen, act: StepAct::Assign { expert: "e2".into() } },
        7 => Command::Act { seen, act: StepAct::Delivered },
        8 => Command::AssignNumber { number: "KZ26LAA00000002".into() },
        9 => Command::Register { incoming_number: "N2".into(), request: sample::digest('1') },
        10 => Command::RecordSigned {
            document: DocumentKind::Request,
            sha256: sample::digest('1'),
            presentations: BTreeMap::new(),
        },
        _ => Command::Act { seen, act: StepAct::Decide(Decision::Issue) },
    };
    (command, any_actor(who))
}

fn any_actor(who: u8) -> Actor {
    match who % 8 {
        0 => applicant(),
        1 => Actor::System,
        2 => officer("expert", R::Expert),
        3 => officer("e2", R::Expert),
        4 => officer("lawyer", R::LegalService),
        5 => officer("head", R::Head),
        6 => officer("department", R::HeadOfDepartment),
        _ => officer("expert", R::Head),
    }
}

/// What must hold of every case, however it came about.
fn sound(case: &Case) {
    let service = sample::service();
    let procedure = service.procedure("issue").unwrap();
    assert_eq!(case.state.before_registration(), case.incoming_number.is_none());
    assert_eq!(case.state.before_registration(), case.registered_at.is_none());
    if !case.state.before_registration() {
        assert!(case.payment.settled());
        assert!(case.checked(CheckStage::Signing) && case.checked(CheckStage::Registration));
        assert!(case.missing_documents(&service).is_empty());
    }
    // Replay the history: each record stands at the step the case was at, in the catalogue's order.
    let mut at = procedure.steps[0].id.clone();
    for record in &case.history {
        let step = procedure.step(&record.step).unwrap();
        match &record.act {
            StepAct::Return { .. } => {
                assert_eq!(record.step, at);
                at = step.returns_to.clone().unwrap();
            }
            StepAct::Assign { .. } if at == "examination" => assert_eq!(record.step, "assignment"),
            _ => {
                assert_eq!(record.step, at);
                at = procedure.after(&at).map_or("closed".into(), |step| step.id.clone());
            }
        }
        let role = record.officer.as_ref().map(|by| by.role);
        assert_eq!(role, step.role);
    }
    match &case.state {
        CaseState::AtStep { step } => assert_eq!(*step, at),
        CaseState::Closed => assert_eq!(at, "closed"),
        _ => assert!(case.history.is_empty()),
    }
    let last = |step: &str| {
        let record = case.history.iter().rev().find(|r| r.step == step);
        record.and_then(|r| r.officer.clone()).map(|by| by.id)
    };
    if let Some(signatory) = last("signing") {
        assert_ne!(Some(&signatory), last("examination").as_ref());
        assert!(case.decision().is_some() && case.result_number.is_some());
        assert_eq!(case.documents.len(), 3);
    }
    if case.result_number.is_some() {
        assert!(case.decision().is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_commands_breaks_a_case(
        start in 0_usize..=17, moves in prop::collection::vec((0_u8..34, any::<u8>()), 0..40),
    ) {
        let service = sample::service();
        let mut case = after(start, Decision::Issue);
        sound(&case);
        for (pick, who) in moves {
            let (command, actor) = any_move(pick, who, &case);
            let now = case.updated_at + Duration::seconds(7);
            let Ok(applied) = apply(&service, &case, command.clone(), &actor, now) else {
                continue;
            };
            let next = applied.case;
            sound(&next);
            if !matches!(command, Command::Fill(_)) {
                prop_assert_eq!(&next.values, &case.values);
            }
            if !matches!(command, Command::Attach { .. } | Command::Detach { .. }) {
                prop_assert_eq!(&next.enclosures, &case.enclosures);
            }
            prop_assert!(next.checks.starts_with(&case.checks));
            prop_assert!(next.history.starts_with(&case.history));
            let moved = u64::try_from(applied.events.len()).unwrap();
            prop_assert_eq!(next.version, case.version + moved);
            if moved == 0 {
                prop_assert_eq!(&next, &case);
            }
            let again = apply(&service, &next, command, &actor, now + Duration::hours(1)).unwrap();
            prop_assert_eq!(again.events, vec![]);
            prop_assert_eq!(&again.case, &next);
            case = next;
        }
    }
}
