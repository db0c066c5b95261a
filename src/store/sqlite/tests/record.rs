//! Records: what goes in comes out, and what must not happen does not.

use time::Duration;

use super::*;
use crate::store::{
    CaseFilter, DocumentInfo, EvidenceRow, LicenceFilter, LicenceKey, LicenceStateRow, View,
};

/// What a hostile applicant would type.
const HOSTILE: [&str; 5] =
    ["'; DROP TABLE cases; --", "\" OR 1=1 --", "%", "a\0b", "') UNION SELECT body FROM cases --"];

#[test]
fn a_case_comes_back_as_it_was_put_and_only_over_the_version_it_was_read_with() {
    let (_folder, store) = temporary();
    let first = case("a");
    assert_eq!(change(&store, |tx| tx.put_case(&first)).unwrap(), 1);
    let read = || store.view(|view| view.case("a")).unwrap().unwrap();
    assert_eq!(read(), CaseRow { version: 1, ..first.clone() });

    let later = NOW + Duration::hours(1);
    let second = CaseRow {
        state: "registered".into(),
        incoming_number: Some("1".into()),
        created_at: later,
        updated_at: later,
        ..read()
    };
    assert_eq!(change(&store, |tx| tx.put_case(&second)).unwrap(), 2);
    assert_eq!(read(), CaseRow { version: 2, created_at: NOW, ..second.clone() });

    let unknown = CaseRow { version: 1, ..case("b") };
    for stale in [&first, &second, &unknown] {
        let error = change(&store, |tx| tx.put_case(stale)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict { what: "case", .. }), "{error}");
    }
    assert_eq!(read().version, 2);
    assert_eq!(store.view(|view| view.case("b")).unwrap(), None);
}

#[test]
fn an_incoming_number_is_given_once_and_stays() {
    let (_folder, store) = temporary();
    let numbered = |id: &str| CaseRow { incoming_number: Some("7".into()), ..case(id) };
    change(&store, |tx| tx.put_case(&numbered("a"))).unwrap();
    let error = change(&store, |tx| tx.put_case(&numbered("b"))).unwrap_err();
    assert!(
        matches!(&error, StoreError::Duplicate(at) if at == "cases.incoming_number"),
        "{error}"
    );
    for other in [None, Some("8".to_owned())] {
        let changed = CaseRow { version: 1, incoming_number: other, ..case("a") };
        assert!(change(&store, |tx| tx.put_case(&changed)).is_err());
    }
    let same = CaseRow { version: 1, ..numbered("a") };
    assert_eq!(change(&store, |tx| tx.put_case(&same)).unwrap(), 2);
}

#[test]
fn cases_are_found_by_every_field_and_page_by_page() {
    let (_folder, store) = temporary();
    change(&store, |tx| {
        for id in ["a", "b", "c", "d"] {
            tx.put_case(&case(id))?;
        }
        tx.put_case(&CaseRow { owner_bin: Some("210987654321".into()), ..case("e") })?;
        tx.put_case(&CaseRow { service: "import".into(), state: "issued".into(), ..case("f") })
    })
    .unwrap();
    let ids = |filter: CaseFilter| -> String {
        let cases = store.view(|view| view.cases(&filter)).unwrap();
        cases.iter().map(|case| case.id.as_str()).collect()
    };
    let all = CaseFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(ids(all()), "abcdef");
    assert_eq!(ids(CaseFilter { latest_first: true, limit: Some(2), ..all() }), "fe");
    assert_eq!(ids(CaseFilter { after: text("b"), limit: Some(2), ..all() }), "cd");
    let back = CaseFilter { after: text("c"), latest_first: true, ..all() };
    assert_eq!(ids(back), "ba");
    assert_eq!(ids(CaseFilter { after: text("nobody"), ..all() }), "");
    assert_eq!(ids(CaseFilter { owner_bin: text("210987654321"), ..all() }), "e");
    assert_eq!(ids(CaseFilter { owner_iin: text("000000000000"), ..all() }), "");
    assert_eq!(ids(CaseFilter { service: text("import"), ..all() }), "f");
    let either = vec!["issued".to_owned(), "refused".to_owned()];
    assert_eq!(ids(CaseFilter { states: either, ..all() }), "f");
}

#[test]
fn a_page_has_an_end_whatever_is_asked_for() {
    let (_folder, store) = temporary();
    let page = crate::limits::STORE_PAGE_ROWS;
    change(&store, |tx| {
        (0..=page).try_for_each(|id| tx.put_case(&case(&id.to_string())).map(drop))
    })
    .unwrap();
    for limit in [None, Some(usize::MAX)] {
        let filter = CaseFilter { limit, ..CaseFilter::default() };
        assert_eq!(store.view(|view| view.cases(&filter)).unwrap().len(), page);
    }
}

#[test]
fn hostile_texts_are_only_texts() {
    let (_folder, store) = temporary();
    for text in HOSTILE {
        let row = CaseRow { owner_iin: Some(text.into()), state: text.into(), ..case(text) };
        change(&store, |tx| {
            tx.put_case(&row)?;
            tx.number(text, text)?;
            tx.put_ticket(&ticket(TicketKind::Session, text))
        })
        .unwrap();
        let filter = CaseFilter {
            owner_iin: Some(text.into()),
            states: vec![text.into()],
            ..CaseFilter::default()
        };
        let found = store.view(|view| view.cases(&filter)).unwrap();
        assert_eq!(found, [CaseRow { version: 1, ..row }]);
        let licences = LicenceFilter { number: Some(text.into()), ..LicenceFilter::default() };
        assert!(store.view(|view| view.licences(&licences)).unwrap().is_empty());
    }
    let all = store.view(|view| view.cases(&CaseFilter::default())).unwrap();
    assert_eq!(all.len(), HOSTILE.len());
}

#[test]
fn a_document_is_kept_once_and_checked_when_read() {
    let (folder, store) = temporary();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let put = |media_type| change(&store, |tx| tx.put_document(media_type, b"abc")).unwrap();
    assert_eq!([put("text/plain"), put("text/html")], [abc, abc]);
    let document = store.view(|view| view.document(abc)).unwrap().unwrap();
    assert_eq!(
        (document.media_type.as_str(), document.bytes.as_slice()),
        ("text/plain", &b"abc"[..])
    );
    let info = store.view(|view| view.document_info(abc)).unwrap();
    assert_eq!(info, Some(DocumentInfo { media_type: "text/plain".into(), size: 3 }));
    assert_eq!(store.view(|view| view.document(&abc.to_uppercase())).unwrap(), None);

    let raw = rusqlite::Connection::open(folder.path().join("store.sqlite")).unwrap();
    raw.execute("UPDATE documents SET bytes = CAST('abd' AS BLOB)", []).unwrap();
    let error = store.view(|view| view.document(abc)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[test]
fn the_largest_document_fits_and_a_larger_one_does_not() {
    let (_folder, store) = temporary();
    let bytes = vec![7; crate::limits::DOCUMENT_BYTES + 1];
    let put = |bytes: &[u8]| change(&store, |tx| tx.put_document("image/tiff", bytes));
    let sha256 = put(&bytes[1..]).unwrap();
    assert_eq!(store.view(|view| view.document(&sha256)).unwrap().unwrap().bytes, bytes[1..]);
    assert!(matches!(put(&bytes), Err(StoreError::TooLarge { .. })));
}

#[test]
fn a_licence_comes_back_by_each_of_its_names_and_remembers_its_states() {
    let (_folder, store) = temporary();
    let row = change(&store, |tx| put_licence(tx, "KZ-1")).unwrap();
    change(&store, |tx| put_licence(tx, "KZ-2")).unwrap();
    for key in
        [LicenceKey::Number("KZ-1"), LicenceKey::Code(&row.code), LicenceKey::Case(&row.case_id)]
    {
        assert_eq!(store.view(|view| view.licence(key)).unwrap().as_ref(), Some(&row));
    }
    assert_eq!(store.view(|view| view.licence(LicenceKey::Code("KZ-1"))).unwrap(), None);

    let later = NOW + Duration::days(1);
    change(&store, |tx| tx.set_licence_state("KZ-1", "suspended", later, "order 5")).unwrap();
    let states = store.view(|view| view.licence_states("KZ-1")).unwrap();
    let state =
        |state: &str, at, act: &str| LicenceStateRow { state: state.into(), at, act: act.into() };
    assert_eq!(states, [state("active", NOW, ""), state("suspended", later, "order 5")]);
    let find = |filter| store.view(|view| view.licences(&filter)).unwrap();
    let suspended = LicenceFilter { state: Some("suspended".into()), ..LicenceFilter::default() };
    assert_eq!(find(suspended), [LicenceRow { state: "suspended".into(), ..row }]);
    let holder =
        LicenceFilter { holder_bin: Some("210987654321".into()), ..LicenceFilter::default() };
    assert_eq!(find(holder.clone()).len(), 2);
    let next = LicenceFilter { after: Some("KZ-1".into()), ..holder };
    assert_eq!(find(next)[0].number, "KZ-2");

    let error = change(&store, |tx| tx.set_licence_state("KZ-3", "active", NOW, "")).unwrap_err();
    assert!(matches!(error, StoreError::Missing(_)), "{error}");
}

#[test]
fn a_licence_is_entered_once() {
    let (_folder, store) = temporary();
    let row = change(&store, |tx| put_licence(tx, "KZ-1")).unwrap();
    change(&store, |tx| tx.set_licence_state("KZ-1", "terminated", NOW, "order 6")).unwrap();
    change(&store, |tx| tx.put_licence(&row)).unwrap();
    let states = store.view(|view| view.licence_states("KZ-1")).unwrap();
    assert_eq!(states.len(), 2, "entering it again must not bring it back to life");

    let other_holder = LicenceRow { holder_name: "another".into(), ..row.clone() };
    let same_code = LicenceRow { number: "KZ-2".into(), case_id: "b".into(), ..row.clone() };
    let same_case = LicenceRow { number: "KZ-2".into(), code: "b".into(), ..row.clone() };
    for wrong in [other_holder, same_code, same_case] {
        let error = change(&store, |tx| tx.put_licence(&wrong)).unwrap_err();
        assert!(matches!(error, StoreError::Duplicate(_)), "{error}");
    }
    let no_document = LicenceRow { xml_sha256: "0".repeat(64), ..licence("KZ-3") };
    let error = change(&store, |tx| {
        tx.put_case(&case(&no_document.case_id))?;
        tx.put_licence(&no_document)
    });
    assert!(matches!(error, Err(StoreError::Missing(_))));
}

#[test]
fn evidence_stays_with_its_case_in_order() {
    let (_folder, store) = temporary();
    let row = |step: &str| EvidenceRow {
        case_id: "a".into(),
        step: step.into(),
        at: NOW,
        body: r#"{"status":"good"}"#.into(),
    };
    assert!(matches!(change(&store, |tx| tx.put_evidence(&row("x"))), Err(StoreError::Missing(_))));
    change(&store, |tx| {
        tx.put_case(&case("a"))?;
        tx.put_evidence(&row("signing"))?;
        tx.put_evidence(&row("registration"))
    })
    .unwrap();
    let found = store.view(|view| view.evidence("a")).unwrap();
    assert_eq!(found, [row("signing"), row("registration")]);
}

#[test]
fn a_ticket_works_once_and_until_it_expires() {
    let (_folder, store) = temporary();
    let challenge = ticket(TicketKind::Challenge, "a");
    let session = ticket(TicketKind::Session, "a");
    let put = |ticket: &Ticket| store.change(|tx| tx.put_ticket(ticket));
    put(&challenge).unwrap();
    put(&session).unwrap();
    assert!(matches!(put(&challenge), Err(StoreError::Duplicate(_))));

    let look = |now| store.view(|view| view.ticket(TicketKind::Session, "a", now)).unwrap();
    let last = session.expires_at - Duration::nanoseconds(1);
    assert!(look(NOW).as_ref() == Some(&session) && look(last).is_some());
    assert!(look(session.expires_at).is_none());

    let take = |kind, now| {
        store
            .change(|tx| tx.take_ticket(kind, "a", now))
            .unwrap_or_else(|e: StoreError| panic!("{e}"))
    };
    assert!(take(TicketKind::Challenge, NOW) == Some(challenge.clone()));
    assert!(take(TicketKind::Challenge, NOW).is_none());
    put(&challenge).unwrap();
    assert!(take(TicketKind::Challenge, challenge.expires_at).is_none());
    assert!(take(TicketKind::Challenge, NOW).is_none(), "an expired ticket is gone when asked for");

    let sweep = |now| {
        store.change(|tx| tx.sweep_tickets(now)).unwrap_or_else(|e: StoreError| panic!("{e}"))
    };
    assert_eq!([sweep(last), sweep(session.expires_at)], [0, 1]);
    assert!(look(NOW).is_none());
    assert!(!format!("{session:?}").contains("\"a\""));
}

#[test]
fn a_body_that_is_no_json_is_refused() {
    let (_folder, store) = temporary();
    let broken = CaseRow { body: "{".into(), ..case("a") };
    assert!(change(&store, |tx| tx.put_case(&broken)).is_err());
    assert_eq!(store.view(|view: &dyn View| view.case("a")).unwrap(), None);
}
