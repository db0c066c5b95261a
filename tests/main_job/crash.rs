//! `kill -9` at every step of the thread: the step is sent, the service is killed at a varying
//! moment before its answer is read (and mostly once more after it), started again,
//! and the same step repeated. Nothing is lost, and no number is given twice or left out.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::calm;
use crate::kit::client::{Client, Reply};
use crate::kit::service::Service;
use crate::kit::walk::Walk;

/// Moments of the kill after a step is sent, in milliseconds. A step takes some 5 to 80.
const MOMENTS: [u64; 9] = [1, 40, 3, 18, 0, 70, 8, 28, 12];

/// Kills the service at every step that goes through it.
struct Killer<'a> {
    service: &'a Service,
    steps: Cell<usize>,
    unanswered: Cell<usize>,
}

impl Killer<'_> {
    fn send(&self, client: &Client, method: &str, path: &str, media: &str, body: &[u8]) -> Reply {
        let step = self.steps.replace(self.steps.get() + 1);
        let moment = Duration::from_millis(MOMENTS[step % MOMENTS.len()]);
        let once = || client.send(method, path, media, Some(body));
        let unread = std::thread::scope(|scope| {
            let sent = scope.spawn(once);
            std::thread::sleep(moment);
            self.service.kill();
            sent.join().unwrap()
        });
        if unread.is_err() {
            self.unanswered.set(self.unanswered.get() + 1);
        }
        self.service.run();
        let first = once().expect("an answer");
        println!(
            "{step}: {method} {path} {:?}: {}",
            unread.map(|reply| reply.status),
            first.status
        );
        // A request has sixteen steps: each goes both ways in one of them.
        if step % 3 == 1 {
            return first;
        }
        self.service.restart();
        let again = once().expect("an answer");
        assert_eq!(again.status, first.status, "{method} {path}: {} {}", first.json, again.json);
        again
    }
}

#[test]
fn the_thread_survives_kill_9_at_every_step() {
    let _calm = calm();
    let service = Service::start("crash");
    let killer = Killer { service: &service, steps: Cell::new(0), unanswered: Cell::new(0) };
    let send = |client: &Client, method: &str, path: &str, media: &str, body: &[u8]| {
        killer.send(client, method, path, media, body)
    };
    let issue = json!({ "decision": "issue" });
    let mut results = Vec::new();
    let mut incoming = Vec::new();
    for (turn, holder) in ["first-head", "person", "first-head"].into_iter().enumerate() {
        let walk = Walk::new(&service, holder, &turn.to_string(), &send);
        let decision = if holder == "person" { refuse(&walk.applicant) } else { issue.clone() };
        walk.begin();
        walk.pay();
        incoming.push(walk.register());
        walk.review(&decision);
        results.push(walk.decide(&decision));
        let case = walk.case();
        assert_eq!(case["state"], "closed");
        for name in ["request.xml", "result.xml", "result-kk.pdf", "result-ru.pdf", "result-en.pdf"]
        {
            let document = walk.document(name);
            let report = walk.applicant.send("POST", "/api/v1/verify", "", Some(&document));
            assert_eq!(report.unwrap().expect(200)["verdict"], "TOTAL-PASSED", "{name}");
        }
    }
    assert!(killer.unanswered.get() > killer.steps.get() / 3, "most kills came too late");
    assert!(killer.unanswered.get() < killer.steps.get(), "every kill came too early");

    assert_eq!(incoming.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert_eq!(results.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    let given = numbers(&service);
    let mut lengths: Vec<_> = given.values().map(Vec::len).collect();
    lengths.sort();
    assert_eq!(lengths, [1, 2, 3], "one refusal, two licences, three requests: {given:?}");
    for (series, numbers) in &given {
        let whole: Vec<_> = (1..).take(numbers.len()).collect();
        assert_eq!(*numbers, whole, "{series} has a gap");
    }
    for (licence, state) in [(&results[0], 200), (&results[1], 404), (&results[2], 200)] {
        let anyone = Client::new(&service, "");
        let found = anyone.get(&format!("/api/v1/licences/{licence}"));
        assert_eq!(found.status, state, "{licence}: {}", found.json);
    }
    audit(&service);
}

#[test]
fn a_login_cut_off_is_begun_anew_and_sessions_outlive_the_service() {
    let _calm = calm();
    let service = Service::start("crash-login");
    for moment in MOMENTS {
        let person = Client::new(&service, "person");
        let challenge = person.challenge().expect(201);
        service.restart();
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| {
                let signature = person.sign(challenge["toBeSigned"].as_str().unwrap());
                let answer = json!({ "challenge": challenge["id"], "signature": signature });
                person.json("POST", "/api/v1/login", &answer)
            });
            std::thread::sleep(Duration::from_millis(moment));
            service.kill();
            let _ = sent.join().unwrap();
        });
        service.run();
        let again = person.answer(&challenge, "person");
        assert!(again.status == 200 || again.json["code"] == "no-such-challenge", "{}", again.json);
        let person = Client::log_in(&service, "person");
        service.restart();
        person.get("/api/v1/requests").expect(200);
    }
}

/// The numbers given, by series, in order.
fn numbers(service: &Service) -> BTreeMap<String, Vec<u32>> {
    let database = service.database();
    let mut query = database.prepare("SELECT series, number FROM numbers ORDER BY number").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut given: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in rows {
        let (series, number) = row.unwrap();
        given.entry(series).or_default().push(number);
    }
    given
}

/// The log is whole; one changed row is found and named.
fn audit(service: &Service) {
    let whole = service.command(&["audit", "verify", "--json"]);
    let said = String::from_utf8(whole.stdout).unwrap();
    assert!(whole.status.success(), "{said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    let rows = report["rows"].as_i64().unwrap();
    assert_eq!(report["whole"], true);
    let database = service.database();
    let counted = |action: &str| {
        let query = "SELECT count(*) FROM audit WHERE action = ?1";
        database.query_row(query, [action], |row| row.get::<_, u32>(0)).unwrap()
    };
    for (action, count) in [
        ("registered", 3),
        ("result-numbered", 3),
        ("entered-into-register", 3),
        ("payment-confirmed", 3),
        ("document-attached", 3),
        ("step-decide", 3),
    ] {
        assert_eq!(counted(action), count, "{action}");
    }

    let row = rows / 2;
    let refused = database.execute("UPDATE audit SET actor = 'nobody' WHERE seq = ?1", [row]);
    assert!(refused.is_err(), "the store lets its log be changed");
    database.execute_batch("DROP TRIGGER audit_is_fixed").unwrap();
    database.execute("UPDATE audit SET actor = 'nobody' WHERE seq = ?1", [row]).unwrap();
    let changed = service.command(&["audit", "verify"]);
    let said = String::from_utf8(changed.stdout).unwrap();
    assert_eq!(changed.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("row {row}:")), "{said}");
    let json = service.command(&["audit", "verify", "--json"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["whole"], &report["row"]), (&json!(false), &json!(row)));
}

fn refuse(client: &Client) -> Value {
    let service = client.get("/api/v1/services/import-export-licence").expect(200);
    json!({
        "decision": "refuse",
        "grounds": [service["grounds"][0]["code"]],
        "reason": "Тауар сипаттамасы келісімшартқа сәйкес келмейді.",
    })
}
