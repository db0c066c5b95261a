//! A large PDF is verified in constant memory beyond the file.

use std::process::Command;

use crate::certified::assembled;
use crate::forge::{ByHand, Paper, stream};
use crate::setting::{PEOPLE, judge};

const CHILD: &str = "QOLTANBA_LARGE_PDF";
const MIB: usize = 1024 * 1024;

/// A signed document with one stream of this size in it.
fn signed(size: usize) -> Vec<u8> {
    let with = |data: &[u8]| {
        assembled(
            vec![
            stream("/Type/XObject/Subtype/Image/Width 1/Height 1", data),
            b"<</Type/Catalog/Pages 3 0 R>>".to_vec(),
            b"<</Type/Pages/Kids[4 0 R]/Count 1>>".to_vec(),
            b"<</Type/Page/Parent 3 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 1 0 R>>>>>>"
                .to_vec(),
        ],
            2,
        )
    };
    let mut paper = Paper::new(&with(b"small"));
    paper.octets = with(&vec![b'x'; size]);
    ByHand::new(&PEOPLE.officer).sign(&paper)
}

/// Runs in a process of its own: verifies the file and tells the most memory it had.
#[test]
fn child() {
    let Some(file) = std::env::var_os(CHILD) else { return };
    // The authority is another one in this process: the signature itself must hold.
    let report = judge(&std::fs::read(file).unwrap()).unwrap();
    let reasons: Vec<_> =
        report.signatures[0].reasons.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(reasons, ["untrusted-issuer"]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    println!("{peak}");
}

#[test]
fn a_document_of_200_megabytes_needs_no_more_memory_than_itself() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut beyond = Vec::new();
    for size in [MIB, 200 * MIB] {
        let path = folder.path().join("large.pdf");
        let octets = signed(size);
        std::fs::write(&path, &octets).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::child", "--nocapture"])
            .env(CHILD, &path)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        let peak = told.lines().find(|line| line.contains("VmHWM")).unwrap();
        let peak: usize =
            peak.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        beyond.push((peak * 1024).saturating_sub(octets.len()));
        println!("{} bytes: {} KiB beyond the file", octets.len(), beyond.last().unwrap() / 1024);
    }
    assert!(beyond[1] < beyond[0] + 8 * MIB, "{beyond:?}");
}
