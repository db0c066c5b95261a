//! Our reader and our canonical forms against libxml2's, over random documents: what is taken, and
//! each form of documents, subtrees and documents with a hole in them, octet for octet.

use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::*;
use crate::xml::random::{Dice, broken, document};

/// Documents of one run; `QOLTANBA_ROUNDS` multiplies them.
const DOCUMENTS: usize = 100_000;
/// Forms asked of each document.
const QUESTIONS: usize = 2;
const BATCH: usize = 200;
const WORKERS: usize = 2;

pub fn rounds() -> usize {
    std::env::var("QOLTANBA_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

pub fn seed() -> u64 {
    let given = std::env::var("QOLTANBA_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        now.as_secs()
    });
    eprintln!("QOLTANBA_SEED={seed}");
    seed
}

#[test]
fn documents_are_taken_and_canonical_as_libxml2_has_them() {
    let seed = seed();
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let batches = (DOCUMENTS * rounds()).div_ceil(BATCH * WORKERS);
    let counts: Vec<Counts> = std::thread::scope(|scope| {
        let worker = |number: u64| {
            let mut oracle = Oracle::start(folder.path());
            let mut dice = Dice(seed.wrapping_add(number.wrapping_mul(0x1_0000_0000)));
            let mut counts = Counts::default();
            for _ in 0..batches {
                counts.add(&oracle.compare(&mut dice));
            }
            oracle.child.kill().unwrap();
            oracle.child.wait().unwrap();
            counts
        };
        let threads: Vec<_> =
            (0..WORKERS as u64).map(|number| scope.spawn(move || worker(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all = Counts::default();
    counts.iter().for_each(|one| all.add(one));
    eprintln!(
        "{} documents ({} refused by both), {} canonical forms equal to libxml2's",
        all.documents, all.refused, all.forms
    );
    // A generator gone wrong would compare nothing.
    assert!(all.refused > all.documents / 10 && all.forms > all.documents);
}

#[derive(Default)]
struct Counts {
    documents: usize,
    refused: usize,
    forms: usize,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.refused += other.refused;
        self.forms += other.forms;
    }
}

/// One canonical form that is asked for.
struct Asked {
    how: Canonicalization,
    apex: Option<String>,
    excluded: Option<String>,
}

impl Asked {
    fn random(dice: &mut Dice, ids: &[String]) -> Self {
        let methods = [Method::Inclusive10, Method::Exclusive, Method::Inclusive11];
        let mut how = Canonicalization::new(methods[dice.below(3)], dice.one_in(2));
        if how.method == Method::Exclusive {
            let prefixes = ["", "p", "q", "қ", "ns1", "unbound"];
            how.inclusive_prefixes =
                (0..dice.below(4)).map(|_| dice.pick(&prefixes).to_owned()).collect();
        }
        let mut one_of = |odds| {
            let wanted = !ids.is_empty() && !dice.one_in(odds);
            wanted.then(|| ids[dice.below(ids.len())].clone())
        };
        Self { how, apex: one_of(3), excluded: one_of(2) }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mode = match self.how.method {
            Method::Inclusive10 => 0,
            Method::Exclusive => 1,
            Method::Inclusive11 => 2,
        };
        out.extend([mode, u8::from(self.how.comments)]);
        let named = |prefix: &String| {
            if prefix.is_empty() { "#default".to_owned() } else { prefix.clone() }
        };
        let prefixes: Vec<_> = self.how.inclusive_prefixes.iter().map(named).collect();
        let id = |id: &Option<String>| id.clone().unwrap_or_default();
        for text in [prefixes.join(" "), id(&self.apex), id(&self.excluded)] {
            frame(out, text.as_bytes());
        }
    }

    fn ours(&self, document: &Document) -> Vec<u8> {
        let element = |id: &String| {
            let named = |found: &Element<'_>| found.attribute_of(crate::xml::XML, "id") == Some(id);
            document.root().descendants().find(named).unwrap()
        };
        let excluded: Vec<_> = self.excluded.iter().map(element).collect();
        let subset = Subset { apex: self.apex.as_ref().map(element), excluded: &excluded };
        self.how.octets(document, subset, usize::MAX).unwrap()
    }
}

fn frame(out: &mut Vec<u8>, octets: &[u8]) {
    out.extend((octets.len() as u32).to_le_bytes());
    out.extend(octets);
}

/// libxml2 in a process of its own.
struct Oracle {
    child: Child,
    answers: BufReader<ChildStdout>,
}

fn build(folder: &Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/xml/c14n/oracle.c");
    let built = Command::new("gcc")
        .args(["-O2", "-I/usr/include/libxml2", "-o", "oracle", source, "-lxml2"])
        .current_dir(folder)
        .status();
    assert!(built.is_ok_and(|built| built.success()), "gcc and libxml2-dev are needed");
}

impl Oracle {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(folder.join("oracle"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn compare(&mut self, dice: &mut Dice) -> Counts {
        let mut requests = Vec::new();
        let mut asked = Vec::new();
        for _ in 0..BATCH {
            let mut ids = Vec::new();
            let mut text = document(dice, &mut ids);
            if dice.one_in(3) {
                text = broken(dice, text);
                ids.clear();
            }
            let questions: Vec<_> = (0..QUESTIONS).map(|_| Asked::random(dice, &ids)).collect();
            frame(&mut requests, text.as_bytes());
            requests.extend((questions.len() as u32).to_le_bytes());
            questions.iter().for_each(|question| question.write(&mut requests));
            asked.push((text, questions));
        }
        let mut counts = Counts { documents: asked.len(), ..Counts::default() };
        // Answers are read while the requests are still being written: pipes are short.
        let mut requests_to = self.child.stdin.take().unwrap();
        let requests_to = std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                requests_to.write_all(&requests).unwrap();
                requests_to.flush().unwrap();
                requests_to
            });
            for (text, questions) in &asked {
                let mut taken = [0];
                self.answers.read_exact(&mut taken).unwrap();
                let ours = Document::parse(text.as_bytes());
                let why = ours.as_ref().err().map(ToString::to_string);
                assert_eq!(ours.is_ok(), taken == [1], "taken or not: {text:?}: {why:?}");
                counts.refused += usize::from(ours.is_err());
                for question in questions {
                    let theirs = self.form();
                    let Ok(ours) = &ours else { continue };
                    // Where the root is left out, libxml2 takes what follows it for what precedes
                    // it, against C14N 1.0 §2.1.
                    let root_id = ours.root().attribute_of(crate::xml::XML, "id");
                    if root_id.is_some() && question.excluded.as_deref() == root_id {
                        continue;
                    }
                    let theirs = theirs.unwrap_or_else(|| panic!("no form of {text:?}"));
                    let ours = question.ours(ours);
                    counts.forms += 1;
                    if ours != theirs {
                        assert_eq!(
                            String::from_utf8_lossy(&ours),
                            String::from_utf8_lossy(&theirs),
                            "{:?} of {:?} without {:?} in {text:?}",
                            question.how,
                            question.apex,
                            question.excluded
                        );
                    }
                }
            }
            writer.join().unwrap()
        });
        self.child.stdin = Some(requests_to);
        counts
    }

    fn form(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.answers.read_exact(&mut length).unwrap();
        let length = u32::from_le_bytes(length);
        if length == u32::MAX {
            return None;
        }
        let mut octets = vec![0; length as usize];
        self.answers.read_exact(&mut octets).unwrap();
        Some(octets)
    }
}
