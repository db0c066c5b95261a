//! Verification reports on paper: sealed by the service, found by their code, and useless once
//! changed; and what the report says of a PDF that does not agree with the register.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use qoltanba::licensing::Licence;
use qoltanba::licensing::print::{licence_pdf, stamp_font};
use qoltanba::limits;
use qoltanba::pdf::{self, Relationship, SigningOptions, Stamp};
use qoltanba::text::Language;
use qoltanba::xml;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::calm;
use crate::kit::client::{Client, Reply};
use crate::kit::service::{Service, Setup};
use crate::kit::walk::Walk;
use crate::kit::{output, run, world};

/// A service with a seal, and a licence it issued.
struct Issued {
    service: Service,
    number: String,
    xml: Vec<u8>,
    pdf: Vec<u8>,
}

static ISSUED: LazyLock<Issued> = LazyLock::new(|| {
    let service = Service::start_with("sealed", &sealing());
    let walk = Walk::paid(&service, "first-head");
    walk.register();
    let issue = json!({ "decision": "issue" });
    walk.review(&issue);
    let number = walk.decide(&issue);
    let (xml, pdf) = (walk.document("result.xml"), walk.document("result-kk.pdf"));
    drop(walk);
    Issued { service, number, xml, pdf }
});

/// The usual set-up with the recipe's seal.
pub fn sealing() -> Setup {
    let world = world();
    let place = match world.key_path("seal").unwrap() {
        Some(path) => format!("p12 = \"{}\"", path.display()),
        None => format!("token = \"{}\", label = \"seal\"", world.entry("seal").unwrap().token),
    };
    let pin = world.pin_path("seal").unwrap();
    let mut setup = Setup::default();
    let pin = pin.display();
    setup.revocation += &format!("\n[seal]\nkey = {{ {place}, pin_file = \"{pin}\" }}\n");
    setup
}

fn sent(service: &Service, query: &str, document: &[u8]) -> Reply {
    let path = format!("/api/v1/verify?{query}");
    let kind = "application/octet-stream";
    Client::new(service, "").send("POST", &path, kind, Some(document)).unwrap()
}

fn judged(service: &Service, document: &[u8]) -> Value {
    sent(service, "lang=en", document).expect(200)
}

fn words(file: &Path) -> String {
    let text = run("pdftotext", &[file.to_str().unwrap(), "-"]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn saved(name: &str, octets: &[u8]) -> std::path::PathBuf {
    let file = crate::kit::scratch(&format!("printed-{name}")).join(format!("{name}.pdf"));
    fs::write(&file, octets).unwrap();
    if let Some(look) = std::env::var_os("QOLTANBA_LOOK") {
        fs::write(Path::new(&look).join(format!("{name}.pdf")), octets).unwrap();
    }
    file
}

/// The code after these words.
fn code(text: &str, label: &str) -> String {
    let rest = text.split(label).nth(1).unwrap_or_else(|| panic!("no {label} in {text}"));
    rest.trim_start_matches([':', ' ']).split(' ').next().unwrap().to_owned()
}

#[test]
fn a_report_is_sealed_and_found_by_its_code() {
    let _calm = calm();
    let Issued { service, number, pdf, .. } = &*ISSUED;
    let anyone = Client::new(service, "");
    let mut codes = Vec::new();
    for (language, label) in
        [("kk", "Құжаттың коды"), ("ru", "Код документа"), ("en", "Code of the document")]
    {
        let reply = sent(service, &format!("format=pdf&lang={language}"), pdf);
        assert_eq!((reply.status, reply.media_type.as_str()), (200, "application/pdf"));
        let sealed = reply.octets;
        let file = saved(&format!("sealed-{language}"), &sealed);

        let report = judged(service, &sealed);
        assert_eq!(report["verdict"], "TOTAL-PASSED", "{report}");
        let signer = &report["signatures"][0]["signer"];
        let seal = world().certificate("seal").unwrap().holder();
        assert_eq!(signer["name"], seal.name.as_str(), "{report}");
        assert_eq!(report["signatures"][0]["coversWholeDocument"], true);
        assert_eq!(report["licence"], Value::Null, "a report is no licence");
        // Nobody here gives time-stamps, so no room is kept for one.
        let start = sealed.windows(11).rposition(|part| part == b"/Contents <").unwrap();
        let room = sealed[start..].iter().position(|octet| *octet == b'>').unwrap();
        assert!(room < 2 * limits::PDF_TIMESTAMP_BYTES, "{room} digits");
        if crate::kit::algorithm() != qoltanba::pki::Algorithm::Gost {
            let said = output("pdfsig", &[file.to_str().unwrap()]);
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(said.contains("Signature is Valid"), "{said}");
            assert!(said.contains("Total document signed"), "{said}");
        }
        conforms(&file, &sealed, language);

        let text = words(&file);
        assert!(text.contains(number), "{text}");
        let code = code(&text, label);
        let found = anyone.get(&format!("/api/v1/reports/{code}")).expect(200);
        assert_eq!(found["verdict"], "TOTAL-PASSED", "{found}");
        assert_eq!(found["language"], language);
        assert_eq!(found["documentSha256"], judged(service, pdf)["document"]["sha256"]);
        let kept = anyone.get(&format!("/api/v1/documents/{code}/report.pdf"));
        assert_eq!((kept.status, &kept.octets), (200, &sealed));
        let page = anyone.get(&format!("/v/{}?lang={language}", code.to_lowercase()));
        let page = String::from_utf8(page.octets).unwrap();
        assert!(page.contains(&code) && page.contains("report.pdf"), "{page}");

        let last = lopdf::Document::load_mem(&sealed).unwrap().page_iter().count().to_string();
        let picture = file.with_extension("");
        let picture = picture.to_str().unwrap();
        let file = file.to_str().unwrap();
        run("pdftoppm", &["-r", "120", "-f", &last, "-singlefile", "-png", file, picture]);
        let picture = format!("{picture}.png");
        let scanned = run("zbarimg", &["-q", "--raw", "-Sdisable", "-Sqrcode.enable", &picture]);
        // What it says of itself comes behind.
        let scanned = scanned.lines().next().unwrap_or_default();
        assert_eq!(scanned, format!("{}/v/{code}", service.url()));
        codes.push(code);
    }
    assert_eq!(codes.iter().collect::<std::collections::HashSet<_>>().len(), 3);

    for wrong in ["0000000-0000000-0000000-00000", number] {
        anyone.get(&format!("/api/v1/reports/{wrong}")).refused(404, "no-such-licence");
    }
    // What it held in memory is gone; the report is not.
    service.restart();
    assert_eq!(anyone.get(&format!("/api/v1/reports/{}", codes[0])).status, 200);
    let said = service.command(&["audit", "verify"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn a_changed_report_is_refused() {
    let _calm = calm();
    let service = &ISSUED.service;
    let sealed = sent(service, "format=pdf&lang=en", &ISSUED.pdf).octets;
    assert_eq!(judged(service, &sealed)["verdict"], "TOTAL-PASSED");
    // Every hundredth octet of what is printed and said, one at a time.
    let mut refused = 0;
    let end = sealed.windows(10).position(|octets| octets == b"/ByteRange").unwrap();
    for at in (0..end).step_by(end / 12) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let reply = sent(service, "lang=en", &changed);
        assert!(reply.status != 200 || reply.json["verdict"] != "TOTAL-PASSED", "octet {at}");
        refused += 1;
    }
    assert!(refused >= 12);
}

#[test]
fn without_a_seal_the_report_says_so() {
    let _calm = calm();
    let service = Service::start("unsealed");
    let printed = sent(&service, "format=pdf&lang=en", &ISSUED.pdf);
    assert_eq!(printed.status, 200);
    let text = words(&saved("unsealed", &printed.octets));
    assert!(text.contains("This report carries no seal"), "{text}");
    sent(&service, "", &printed.octets).refused(422, "not-signed");
    let file = service.dir().join("licence.pdf");
    fs::write(&file, &ISSUED.pdf).unwrap();
    let arguments = ["verify", "--report-pdf", "report.pdf", "--seal", "licence.pdf"];
    let said = service.command(&arguments);
    assert!(String::from_utf8_lossy(&said.stderr).contains("[seal]"), "{said:?}");
    assert!(!service.dir().join("report.pdf").exists());
    assert!(
        service.command(&["verify", "--report-pdf", "report.pdf", "licence.pdf"]).status.success()
    );
    assert!(fs::read(service.dir().join("report.pdf")).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn the_command_line_seals_reports_that_the_service_finds() {
    let _calm = calm();
    let service = &ISSUED.service;
    fs::write(service.dir().join("licence.pdf"), &ISSUED.pdf).unwrap();
    let arguments =
        ["--language", "en", "verify", "--report-pdf", "sealed.pdf", "--seal", "licence.pdf"];
    let said = service.command(&arguments);
    let told = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{said:?}");
    assert!(told.contains("the attached licence agrees with the register"), "{told}");
    let sealed = fs::read(service.dir().join("sealed.pdf")).unwrap();
    assert_eq!(judged(service, &sealed)["verdict"], "TOTAL-PASSED");
    let code = code(&words(&service.dir().join("sealed.pdf")), "Code of the document");
    let found = Client::new(service, "").get(&format!("/api/v1/reports/{code}"));
    assert_eq!(found.expect(200)["verdict"], "TOTAL-PASSED");
}

#[test]
fn a_pdf_that_differs_from_the_register_is_told() {
    let _calm = calm();
    let service = &ISSUED.service;
    let head = world().signer("officer-head").unwrap();
    let original = xml::read(&ISSUED.xml, None).unwrap();
    let original = Licence::from_xml(&original[0].scope.octets[0]).unwrap();
    let forged = Licence { holder_name: "ЖШС «Басқа»".to_owned(), ..original.clone() };
    let options = xml::SigningOptions::new(OffsetDateTime::now_utc());
    let forged_xml = xml::sign(&forged.to_xml(), &*head, &options).unwrap();

    // A PDF with these pages and this licence attached, signed by the authority's head.
    let bundle = |pages: &Licence, attached: &[u8]| {
        let printed = licence_pdf(pages, Language::Ru).unwrap();
        let (kind, relationship) = ("application/xml", Relationship::Source);
        let document =
            pdf::attach(&printed.pdf, "licence.xml", kind, relationship, attached).unwrap();
        let mut options = SigningOptions::at(OffsetDateTime::now_utc());
        let (x, y) = (printed.stamp.x, printed.stamp.y);
        options.stamp = Some(Stamp {
            page: printed.stamp.page,
            rect: [x, y, x + printed.stamp.width, y + printed.stamp.height],
            lines: vec!["Басшы".to_owned()],
            font: stamp_font().into(),
        });
        pdf::sign(&document, &*head, &options).unwrap()
    };
    let mut once_more = ISSUED.pdf.clone();
    once_more =
        pdf::sign(&once_more, &*head, &SigningOptions::at(OffsetDateTime::now_utc())).unwrap();
    for (name, document, register, attachment, pages) in [
        ("the register's copy", ISSUED.pdf.clone(), true, true, true),
        ("signed once more", once_more, false, true, true),
        ("printed again", bundle(&original, &ISSUED.xml), false, true, true),
        ("another licence attached", bundle(&original, &forged_xml), false, false, true),
        ("other pages", bundle(&forged, &ISSUED.xml), false, true, false),
        ("both", bundle(&forged, &forged_xml), false, false, false),
    ] {
        let report = judged(service, &document);
        // The signatures are honest: only the register knows better.
        assert_eq!(report["verdict"], "TOTAL-PASSED", "{name}: {report}");
        let licence = &report["licence"];
        assert_eq!(licence["number"], ISSUED.number.as_str(), "{name}: {licence}");
        assert_eq!(licence["matchesRegister"], register, "{name}: {licence}");
        assert_eq!(licence["attachmentMatches"], attachment, "{name}: {licence}");
        assert_eq!(licence["pagesMatch"], pages, "{name}: {licence}");
        if name == "both" {
            let sealed = sent(service, "format=pdf&lang=en", &document).octets;
            let text = words(&saved("differs", &sealed));
            assert!(text.contains("THE ATTACHED LICENCE DIFFERS FROM THE REGISTER"), "{text}");
            assert!(text.contains("THE TEXT OF THE PAGES DIFFERS FROM THE REGISTER"), "{text}");
            fs::write(service.dir().join("differs.pdf"), &document).unwrap();
            let said = service.command(&["verify", "differs.pdf"]);
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(said.contains("the attached licence DIFFERS FROM THE REGISTER"), "{said}");
        }
    }
}

#[test]
fn a_seal_lasts_as_long_as_the_operator_wants() {
    let _calm = calm();
    let mut setup = sealing();
    setup.revocation += &format!(
        "\n[time-stamps]\nauthorities = [\"{}\"]\nlevel = \"LT\"\n",
        world().addresses().tsp()
    );
    let service = Service::start_with("sealed-lasting", &setup);
    let sealed = sent(&service, "format=pdf&lang=ru", &ISSUED.pdf);
    assert_eq!(sealed.status, 200);
    let report = judged(&service, &sealed.octets);
    assert_eq!(report["verdict"], "TOTAL-PASSED", "{report}");
    assert_eq!(report["signatures"][0]["format"], "PAdES-B-LT", "{report}");
    conforms(&saved("sealed-lasting", &sealed.octets), &sealed.octets, "ru");
}

#[test]
fn signed_documents_conform_to_pdf_a() {
    let _calm = calm();
    let language = "kk";
    conforms(&saved("signed-licence", &ISSUED.pdf), &ISSUED.pdf, language);
}

/// What can be checked of PDF/A-3U (ISO 19005-3) without a checker of its own.
fn conforms(file: &Path, octets: &[u8], language: &str) {
    let name = file.to_str().unwrap();
    let said = run("qpdf", &["--check", name]);
    assert!(said.contains("No syntax or stream encoding errors"), "{said}");
    let said = run("pdfinfo", &[name]);
    for wanted in
        ["Tagged:          yes", "Metadata Stream: yes", "Encrypted:       no", "PDF/A-3U:2012"]
    {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let said = run("pdfinfo", &["-meta", name]);
    for wanted in ["<pdfaid:part>3<", "<pdfaid:conformance>U<"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    // Embedded and mapped to Unicode, the stamp's too.
    let said = run("pdffonts", &[name]);
    let fonts: Vec<&str> = said.lines().skip(2).collect();
    assert!(fonts.len() >= 3, "{said}");
    assert!(fonts.iter().all(|font| font.contains(" yes yes yes ")), "{said}");

    let document = lopdf::Document::load_mem(octets).unwrap();
    let catalog = document.catalog().unwrap();
    let get = |key: &[u8]| catalog.get(key).and_then(|one| document.dereference(one)).unwrap().1;
    assert_eq!(get(b"Lang").as_str().unwrap(), language.as_bytes());
    assert!(get(b"MarkInfo").as_dict().unwrap().get(b"Marked").unwrap().as_bool().unwrap());
    assert!(get(b"StructTreeRoot").as_dict().unwrap().has(b"ParentTree"));
    let intent = get(b"OutputIntents").as_array().unwrap()[0].clone();
    let intent = document.dereference(&intent).unwrap().1.as_dict().unwrap();
    assert_eq!(intent.get(b"S").unwrap().as_name().unwrap(), b"GTS_PDFA1");
    let profile = intent.get(b"DestOutputProfile").unwrap().as_reference().unwrap();
    let profile = document.get_object(profile).unwrap().as_stream().unwrap();
    let profile = profile.get_plain_content().unwrap();
    assert_eq!((&profile[36..40], &profile[16..20]), (&b"acsp"[..], &b"RGB "[..]));
    // Each embedded file says how it belongs to the document.
    let associated = get(b"AF").as_array().unwrap();
    assert_eq!(associated.len(), 1);
    for file in associated {
        let file = document.dereference(file).unwrap().1.as_dict().unwrap();
        for key in [&b"AFRelationship"[..], b"F", b"UF", b"EF"] {
            assert!(file.has(key), "{}", String::from_utf8_lossy(key));
        }
        let embedded = file.get(b"EF").unwrap().as_dict().unwrap().get(b"F").unwrap();
        let embedded = document.dereference(embedded).unwrap().1.as_stream().unwrap();
        assert!(embedded.dict.has(b"Subtype"));
        let parameters = embedded.dict.get(b"Params").unwrap();
        let parameters = document.dereference(parameters).unwrap().1.as_dict().unwrap();
        assert!(parameters.has(b"Size"));
    }
    for object in document.objects.values() {
        let dictionary = match object {
            lopdf::Object::Stream(stream) => &stream.dict,
            lopdf::Object::Dictionary(dictionary) => dictionary,
            _ => continue,
        };
        // No transparency, scripts, actions, layers or things from elsewhere.
        for key in [&b"SMask"[..], b"AA", b"JS", b"OCProperties", b"URI", b"Group", b"OpenAction"] {
            assert!(!dictionary.has(key), "{}", String::from_utf8_lossy(key));
        }
        for key in [&b"ca"[..], b"CA"] {
            let opaque = dictionary.get(key).and_then(lopdf::Object::as_float);
            assert!(opaque.is_ok_and(|value| value == 1.0) || !dictionary.has(key));
        }
        if dictionary.get(b"Subtype").and_then(lopdf::Object::as_name).ok() == Some(b"Widget") {
            let flags = dictionary.get(b"F").unwrap().as_i64().unwrap();
            assert_eq!(flags & 0b10_0111, 4, "printed, not hidden");
            assert!(dictionary.has(b"AP"), "each widget has an appearance");
            assert!(!dictionary.has(b"A"));
        }
    }
    let form = catalog.get(b"AcroForm").and_then(|one| document.dereference(one));
    let form = form.unwrap().1.as_dict().unwrap();
    assert!(!form.has(b"XFA") && !form.has(b"NeedAppearances"));
}
