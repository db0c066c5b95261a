//! Officers: each in the own role, the assigned expert, four eyes, and a certificate that holds.

use serde_json::json;

use crate::kit::client::{Client, certificate};
use crate::kit::service::{OFFICES, Service, Setup};
use crate::kit::walk::{Walk, acts};
use crate::{Alone, calm, kit};

fn issue() -> serde_json::Value {
    json!({ "decision": "issue" })
}

#[test]
fn each_step_is_its_own_roles() {
    let _calm = calm();
    let mut setup = Setup::default();
    // A second expert, who is not the one assigned.
    setup.offices.push(("employee-signing", "expert"));
    setup.offices.push(("officer-chancery", "expert"));
    let service = Service::start_with("roles", &setup);
    let walk = Walk::paid(&service, "person");
    walk.register();
    let officers: Vec<_> =
        OFFICES.iter().map(|(officer, _)| Client::log_in(&service, officer)).collect();
    // On the list, but with a certificate of another organisation; and an applicant.
    for outsider in ["employee-signing", "first-head"] {
        let outsider = Client::log_in(&service, outsider);
        outsider.get("/api/v1/tasks").refused(403, "no-office");
        outsider.get(&walk.path("")).refused(404, "no-such-request");
        let body = json!({ "seen": 1, "act": { "act": "route" } });
        outsider.post(&walk.path("/steps"), &body).refused(403, "no-office");
    }
    for (turn, (own, act)) in acts(&issue()).into_iter().enumerate() {
        for officer in officers.iter().filter(|officer| officer.holder != own) {
            let refused = walk.act(officer, &act);
            // Another expert than the assigned one holds the role, but not the case.
            let code = match (turn, officer.holder.as_str()) {
                (2, "officer-chancery") => "not-assigned",
                _ => "role-missing",
            };
            refused.refused(403, code);
            assert!(!tasks(officer, &walk.id), "{} has no task at {act}", officer.holder);
        }
        let own = officers.iter().find(|officer| officer.holder == own).unwrap();
        assert!(tasks(own, &walk.id), "{} has the task {act}", own.holder);
        walk.act(own, &act).expect(200);
    }
    for officer in &officers[..4] {
        let decide = json!({ "act": "decide", "decision": "issue" });
        walk.act(officer, &decide).refused(403, "role-missing");
        let path = walk.path("/result/prepare");
        let refused = officer.post(&path, &certificate(&officer.holder));
        assert!([403, 409].contains(&refused.status), "{}", refused.json);
    }
    walk.decide(&issue());
}

fn tasks(officer: &Client, id: &str) -> bool {
    let tasks = officer.get("/api/v1/tasks").expect(200);
    tasks.as_array().unwrap().iter().any(|task| task["id"] == *id)
}

#[test]
fn who_examined_does_not_decide() {
    let _calm = calm();
    let mut setup = Setup::default();
    setup.offices.push(("officer-expert", "head"));
    let service = Service::start_with("four-eyes", &setup);
    let walk = Walk::paid(&service, "person");
    walk.register();
    walk.review(&issue());
    let expert = Client::log_in(&service, "officer-expert");
    let decide = json!({ "act": "decide", "decision": "issue" });
    walk.act(&expert, &decide).refused(403, "same-person");
    let head = Client::log_in(&service, "officer-head");
    let case = walk.act(&head, &decide).expect(200);
    assert!(case["resultNumber"].is_string());
    // Nor does the expert sign what the head decided.
    let path = walk.path("/result/prepare");
    let refused = expert.post(&path, &certificate("officer-expert"));
    assert!(refused.status == 403, "{}", refused.json);
    walk.sign_result(&head);
}

#[test]
fn only_an_expert_on_the_list_is_assigned() {
    let _calm = calm();
    let service = Service::start("assign");
    let walk = Walk::paid(&service, "person");
    walk.register();
    let [(chancery, route), (department, assign), ..] = acts(&issue());
    walk.act(&Client::log_in(&service, chancery), &route).expect(200);
    let department = Client::log_in(&service, department);
    for nobody in ["881130410808", "000000000000", "", "' OR 1"] {
        let act = json!({ "act": "assign", "expert": nobody });
        walk.act(&department, &act).refused(400, "no-such-expert");
    }
    walk.act(&department, &assign).expect(200);
}

#[test]
fn a_revoked_officer_signs_nothing() {
    let _alone = Alone::begin();
    let service = Service::start("revoked-officer");
    let walk = Walk::paid(&service, "person");
    walk.register();
    walk.review(&issue());
    let head = Client::log_in(&service, "officer-head");
    let decide = json!({ "act": "decide", "decision": "issue" });
    walk.act(&head, &decide).expect(200);
    let prepare = || head.post(&walk.path("/result/prepare"), &certificate("officer-head"));
    let complete = |prepared: &serde_json::Value| {
        let one = &prepared["toSign"][0];
        let value = head.sign(one["toBeSigned"].as_str().unwrap());
        let values = json!({ "signatures": { "result.xml": value } });
        head.post(&walk.path("/result/signatures"), &values)
    };
    let prepared = prepare().expect(200);
    kit::double().revoke("officer-head", "keyCompromise", None).unwrap();
    prepare().refused(422, "revoked");
    complete(&prepared).refused(422, "revoked");
    // Another officer's certificate in this session is none either.
    let other = certificate("officer-expert");
    head.post(&walk.path("/result/prepare"), &other).refused(422, "iin-mismatch");
    let case = walk.case();
    assert_eq!(case["state"], "at-step");
    assert!(!case["documents"].to_string().contains("result"), "{case}");
    kit::double().release("officer-head").unwrap();
    let number = walk.sign_result(&head);
    assert!(number.ends_with('1'), "{number}");
}

#[test]
fn an_act_on_an_older_version_changes_nothing() {
    let _calm = calm();
    let service = Service::start("stale");
    let walk = Walk::paid(&service, "person");
    walk.register();
    let chancery = Client::log_in(&service, "officer-chancery");
    let seen = walk.case()["version"].as_u64().unwrap();
    let body = |seen: u64| json!({ "seen": seen, "act": { "act": "route" } });
    let steps = walk.path("/steps");
    chancery.post(&steps, &body(seen - 1)).refused(409, "stale");
    let once = chancery.post(&steps, &body(seen)).expect(200);
    let twice = chancery.post(&steps, &body(seen)).expect(200);
    assert_eq!(once["version"], twice["version"]);
    chancery.post(&steps, &body(seen + 1)).refused(409, "wrong-step");
}
