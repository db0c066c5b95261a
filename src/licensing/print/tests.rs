//! Printed documents read by programs that are not ours: pdftotext, qpdf, zbarimg.

use std::path::Path;
use std::process::Command;

use time::macros::{date, datetime};

use super::{PrintError, Printed, duplicate_pdf, licence_pdf, phrase, refusal_pdf};
use crate::licensing::{
    AnnexTo, Authority, DocumentKind, Field, Ground, Licence, Origin, Refusal, Signatory, Wording,
};
use crate::text::Language;

const LETTERS: &str = "Ә Ғ Қ Ң Ө Ұ Ү Һ І ә ғ қ ң ө ұ ү һ і";

fn field(number: u8, kk: &str, ru: &str, en: &str, value: &str) -> Field {
    let id = format!("field-{number}");
    Field { id, number, label: Wording::new(kk, ru, en), value: value.to_owned() }
}

fn authority() -> Authority {
    Authority {
        name: Wording::new(
            "Қазақстан Республикасы Сауда және интеграция министрлігінің Сауда комитеті",
            "Комитет торговли Министерства торговли и интеграции Республики Казахстан",
            "Committee of Trade of the Ministry of Trade and Integration of the Republic of Kazakhstan",
        ),
        bin: "940140000385".parse().unwrap(),
    }
}

fn signatory() -> Signatory {
    Signatory {
        name: "Әбдірахманов Өмірғали Құрманғазыұлы".to_owned(),
        position: Wording::new(
            "Сауда комитетінің төрағасы",
            "Председатель Комитета торговли",
            "Chair of the Committee of Trade",
        ),
    }
}

fn origin() -> Origin {
    Origin {
        request_id: "01JD7Q2E5X8R4N6T9V0B3C5D7F".to_owned(),
        incoming_number: "KZ-2026-000417 / 19.11.2026".to_owned(),
        request_sha256: "ab".repeat(32),
    }
}

/// A licence with the 18 fields of the import form and `goods` as description.
pub(crate) fn licence(goods: &str) -> Licence {
    Licence {
        number: "KZ26TRD00000417".to_owned(),
        code: "7QF4-M2KX-9TRB-WV3H".to_owned(),
        verify_url: "https://licence.example.kz/v/7QF4M2KX9TRBWV3H".to_owned(),
        document: DocumentKind::Licence,
        service: "trade-licence".to_owned(),
        service_name: Wording::new(
            "Жекелеген тауар түрлерінің импортына және (немесе) экспортына лицензия беру",
            "Выдача лицензии на импорт и (или) экспорт отдельных видов товаров",
            "Issue of a licence for the import and (or) export of certain kinds of goods",
        ),
        kind: "import".to_owned(),
        kind_name: Wording::new(
            "жекелеген тауар түрлерінің импортына",
            "на импорт отдельных видов товаров",
            "for the import of certain kinds of goods",
        ),
        annex_to: None,
        authority: authority(),
        holder: crate::identity::Applicant::Organisation { bin: "940140000385".parse().unwrap() },
        holder_name: "«Қызылорда облыстық өсімдіктерді қорғау және агрохимиялық қызмет көрсету \
                      орталығы» жауапкершілігі шектеулі серіктестігі"
            .to_owned(),
        fields: vec![
            field(1, "Өтініш №", "Заявление №", "Request No.", "KZ-2026-000417"),
            field(
                2,
                "Қолданылу кезеңі",
                "Период действия",
                "Period of validity",
                "01.12.2026 – 30.11.2027 қоса алғанда",
            ),
            field(3, "Лицензияның типі", "Тип лицензии", "Type of licence", "ИМПОРТ"),
            field(4, "Келісімшарт", "Контракт", "Contract", "№ QZ-118/2026-ИМ, 03.09.2026"),
            field(
                5,
                "Өтініш беруші",
                "Заявитель",
                "Applicant",
                "«Қызылорда облыстық өсімдіктерді қорғау орталығы» ЖШС, Қызылорда қаласы, Әйтеке би көшесі, 27-үй",
            ),
            field(
                6,
                "Сатушы",
                "Продавец",
                "Seller",
                "Şırınoğlu Tarım Ürünleri Sanayi ve Ticaret A.Ş., İstanbul",
            ),
            field(7, "Жөнелту елі", "Страна отправления", "Country of dispatch", "TR · Түркия"),
            field(8, "Сатушының елі", "Страна продавца", "Country of the seller", "TR · Түркия"),
            field(9, "Келісімшарт валютасы", "Валюта контракта", "Currency of the contract", "EUR"),
            field(10, "Құны", "Стоимость", "Value", "1 284 500,00"),
            field(
                11,
                "Статистикалық құны",
                "Статистическая стоимость",
                "Statistical value",
                "1 398 120,00 USD",
            ),
            field(12, "Шығарылған елі", "Страна происхождения", "Country of origin", "TR · Түркия"),
            field(13, "Саны", "Количество", "Quantity", "48 000"),
            field(14, "Өлшем бірлігі", "Единица измерения", "Unit of measurement", "кг"),
            field(
                15,
                "Еуразиялық экономикалық одақтың сыртқы экономикалық қызметінің тауар номенклатурасы бойынша тауар коды және оның сипаттамасы",
                "Код товара по товарной номенклатуре внешнеэкономической деятельности Евразийского экономического союза и его описание",
                "Code of the goods in the Foreign Economic Activity Commodity Nomenclature of the Eurasian Economic Union, and their description",
                goods,
            ),
            field(16, "Қосымша ақпарат", "Дополнительная информация", "Additional information", ""),
            field(
                17,
                "Лицензия беру үшін негіз",
                "Основание для выдачи лицензии",
                "Ground for issuing the licence",
                "ЕЭК Алқасының 21.04.2015 № 30 шешімі",
            ),
            field(
                18,
                "Өтініш берушінің уәкілетті адамы",
                "Уполномоченное лицо заявителя",
                "Authorised person of the applicant",
                "Нұрмағамбетова Үміт Һадиқызы, бас директор, +7 (724) 226-00-00",
            ),
        ],
        conditions: vec![
            Wording::new(
                "Тауар партиясы кедендік бекетке осы лицензияның қолданылу мерзімі ішінде ұсынылады.",
                "Партия товара представляется таможенному посту в течение срока действия лицензии.",
                "The consignment is presented at the customs post within the validity of this licence.",
            ),
            Wording::new(
                "Лицензиат лицензияның орындалуы туралы ақпаратты мерзімі аяқталғаннан кейін күнтізбелік 15 күн ішінде ұсынады.",
                "Лицензиат представляет сведения об исполнении лицензии в течение 15 календарных дней по истечении срока её действия.",
                "The holder reports on the use of the licence within 15 calendar days of its expiry.",
            ),
        ],
        valid_from: date!(2026 - 12 - 01),
        valid_to: date!(2027 - 11 - 30),
        issued_at: datetime!(2026-11-21 20:30 UTC),
        signatory: signatory(),
        origin: origin(),
    }
}

pub(crate) fn refusal() -> Refusal {
    let licence = licence("");
    Refusal {
        number: "KZ26TRD-R-000052".to_owned(),
        code: "B3HN-X8VE-20QM-K7CD".to_owned(),
        verify_url: "https://licence.example.kz/v/B3HNX8VE20QMK7CD".to_owned(),
        service: licence.service,
        service_name: licence.service_name,
        authority: authority(),
        applicant: licence.holder,
        applicant_name: licence.holder_name,
        grounds: vec![
            Ground {
                code: "false-documents".to_owned(),
                text: Wording::new(
                    "Мемлекеттік көрсетілетін қызметті алу үшін ұсынылған құжаттардың және (немесе) олардағы деректердің (мәліметтердің) анық еместігі анықталды.",
                    "Установлена недостоверность документов, представленных для получения государственной услуги, и (или) данных (сведений), содержащихся в них.",
                    "The documents presented for the public service, or data in them, were found to be untrue.",
                ),
            },
            Ground {
                code: "requirements".to_owned(),
                text: Wording::new(
                    "Көрсетілетін қызметті алушының және (немесе) ұсынылған материалдардың белгіленген талаптарға сәйкес келмеуі.",
                    "Несоответствие услугополучателя и (или) представленных материалов установленным требованиям.",
                    "The applicant or the presented materials do not meet the set requirements.",
                ),
            },
        ],
        reason: "Келісімшарттың 4.2-тармағындағы тауар саны (48 000 кг) өтініштің 13-жолындағы санға (84 000 кг) сәйкес келмейді.\nТауардың шығу тегі туралы сертификат ұсынылмаған.".to_owned(),
        issued_at: datetime!(2026-11-21 06:00 UTC),
        signatory: signatory(),
        origin: origin(),
    }
}

pub(crate) const GOODS: &str = "3808 92 · Өсімдіктерді қорғау құралдары: фунгицид, әсер етуші зат – тебуконазол 250 г/л, эмульсия концентраты, 20 л канистрлерде.";

/// Goods by their codes, one in a line: more than fit into the table.
fn many_goods() -> String {
    let lines = (1..=90).map(|i| {
        format!(
            "3808 92 {i:04} — Фунгицид «Ұшқын-{i}», әсер етуші зат – тебуконазол 250 г/л, \
             эмульсия концентраты, 20 л канистрлерде; {i} 000 кг"
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A single paragraph of some pages.
fn long_text() -> String {
    let sentences =
        (1..=90).map(|i| format!("Фунгицид «Ұшқын-{i}», тебуконазол 250 г/л, {i} 000 кг."));
    sentences.collect::<Vec<_>>().join(" ")
}

/// Runs a program over a file and gives what it wrote; fails if the program does.
fn run(program: &str, before: &[&str], file: &Path, after: &[&str]) -> String {
    let output = Command::new(program).args(before).arg(file).args(after).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The text in drawing order, without line breaks and runs of spaces.
fn words(file: &Path) -> String {
    let text = run("pdftotext", &["-raw"], file, &["-"]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn saved(printed: &Printed, name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, &printed.pdf).unwrap();
    if let Ok(kept) = std::env::var("QOLTANBA_KEEP_PRINTED") {
        std::fs::write(Path::new(&kept).join(name), &printed.pdf).unwrap();
    }
    (folder, file)
}

#[test]
fn texts_stand_in_three_languages() {
    assert_eq!(super::TEXTS.incomplete(), Some(vec![]));
}

#[test]
fn a_licence_reads_back_in_each_language() {
    for (language, number) in Language::ALL.into_iter().zip(["БСН", "БИН", "BIN"]) {
        let mut licence = licence(GOODS);
        licence.fields[15].value = LETTERS.to_owned();
        let printed = licence_pdf(&licence, language).unwrap();
        assert!(printed.pdf.len() <= 100_000, "{} octets", printed.pdf.len());
        let (_folder, file) = saved(&printed, &format!("licence-{language}.pdf"));
        let text = words(&file);
        for wanted in [
            LETTERS,
            "№ KZ26TRD00000417",
            "01.12.2026 – 30.11.2027",
            "22.11.2026", // 20:30 UTC of the 21st is the next day in Kazakhstan
            &format!("{number} 940140000385"),
            "Şırınoğlu Tarım",
            "7QF4-M2KX-9TRB-WV3H",
            "370-II",
            "Әбдірахманов Өмірғали Құрманғазыұлы",
            licence.authority.name.text(language),
            licence.conditions[1].text(language),
            GOODS,
        ] {
            assert!(text.contains(wanted), "{language}: {wanted} not in {text}");
        }
    }
}

fn pages(printed: &Printed) -> usize {
    lopdf::Document::load_mem(&printed.pdf).unwrap().page_iter().count()
}

#[test]
fn many_goods_become_an_annex_over_several_pages() {
    let words_of = |language| match language {
        Language::Kk => ("1-ҚОСЫМША", "Сипаттамасы", "(жалғасы)", "Жолдардың жалпы саны: 90"),
        Language::Ru => ("ПРИЛОЖЕНИЕ № 1", "Описание", "(продолжение)", "Всего строк: 90"),
        Language::En => ("ANNEX No. 1", "Description", "(continued)", "Rows in all: 90"),
    };
    for language in Language::ALL {
        let (title, head, continued, count) = words_of(language);
        let licence = licence(&many_goods());
        let printed = licence_pdf(&licence, language).unwrap();
        let (_folder, file) = saved(&printed, &format!("annex-{language}.pdf"));
        let text = words(&file);
        let pages = pages(&printed);
        let of_annex = pages - printed.stamp.page - 1;
        assert!(of_annex >= 3, "{pages} pages");
        assert_eq!(text.matches(title).count(), 1, "{text}");
        assert_eq!(text.matches(head).count(), of_annex, "the head is repeated");
        assert_eq!(text.matches(continued).count(), of_annex - 1, "{text}");
        assert!(text.contains(count), "{text}");
        for i in 1..=90 {
            let row = format!("{i} 3808 92 {i:04} Фунгицид «Ұшқын-{i}», әсер");
            assert!(text.contains(&row), "{row} is missing: {text}");
        }
        for page in 1..=pages {
            let foot = phrase("page", language);
            let foot = foot.replace("{page}", &page.to_string());
            let foot = foot.replace("{pages}", &pages.to_string());
            assert!(text.contains(&foot), "{foot}: {text}");
        }
        // The code of the document stands on each page.
        assert!(text.matches(&licence.code).count() > pages, "{text}");
        assert!(printed.pdf.len() <= 130_000, "{} octets", printed.pdf.len());
    }
}

#[test]
fn a_long_paragraph_runs_over_pages_and_nothing_is_lost() {
    let goods = long_text();
    let printed = licence_pdf(&licence(&goods), Language::Kk).unwrap();
    let (_folder, file) = saved(&printed, "licence-long.pdf");
    let mut text = words(&file);
    let pages = pages(&printed);
    assert_eq!(pages, printed.stamp.page + 1, "a paragraph is no list");
    assert!(text.contains("Көрсеткіш (жалғасы)"), "{text}");
    for page in 1..pages {
        let next = page + 1;
        let furniture = format!(
            "№ KZ26TRD00000417 · 7QF4-M2KX-9TRB-WV3H {next}-бет, барлығы {pages} ЛИЦЕНЗИЯ \
             № KZ26TRD00000417 № Көрсеткіш (жалғасы) Мәні 15 "
        );
        text = text.replace(&furniture, "");
    }
    for sentence in goods.split_inclusive(". ").map(str::trim) {
        assert!(text.contains(sentence), "{sentence} is missing: {text}");
    }
}

#[test]
fn a_duplicate_says_so_on_every_page() {
    for (language, word) in
        [(Language::Kk, "ТЕЛНҰСҚА"), (Language::Ru, "ДУБЛИКАТ"), (Language::En, "DUPLICATE")]
    {
        let made = datetime!(2027-02-03 10:00 UTC);
        let printed = duplicate_pdf(&licence(&many_goods()), made, language).unwrap();
        let (_folder, file) = saved(&printed, &format!("duplicate-{language}.pdf"));
        let text = words(&file);
        assert_eq!(text.matches(word).count(), pages(&printed), "{text}");
        assert!(text.contains("03.02.2027"), "{text}");
    }
}

#[test]
fn a_permit_and_an_annex_have_titles_of_their_own() {
    let titles = |language| match language {
        Language::Kk => ["РҰҚСАТ", "ЛИЦЕНЗИЯҒА ҚОСЫМША", "РҰҚСАТҚА ҚОСЫМША"],
        Language::Ru => ["РАЗРЕШЕНИЕ", "ПРИЛОЖЕНИЕ К ЛИЦЕНЗИИ", "ПРИЛОЖЕНИЕ К РАЗРЕШЕНИЮ"],
        Language::En => ["PERMIT", "ANNEX TO LICENCE", "ANNEX TO PERMIT"],
    };
    let main =
        Some(AnnexTo { number: "KZ26TRD00000099".to_owned(), issued: date!(2026 - 02 - 03) });
    for language in Language::ALL {
        let kinds = [
            (DocumentKind::Permit, None),
            (DocumentKind::Licence, main.clone()),
            (DocumentKind::Permit, main.clone()),
        ];
        for ((document, annex_to), title) in kinds.into_iter().zip(titles(language)) {
            let annex = annex_to.is_some();
            let printed = Licence { document, annex_to, ..licence(GOODS) };
            let printed = licence_pdf(&printed, language).unwrap();
            let (_folder, file) = saved(&printed, &format!("{title}-{language}.pdf"));
            let text = words(&file);
            assert!(text.contains(title), "{title}: {text}");
            let belongs = text.contains("03.02.2026") && text.contains("№ KZ26TRD00000099");
            let belongs = belongs || text.contains("No. KZ26TRD00000099 of 03.02.2026");
            assert_eq!(belongs, annex, "{title}: {text}");
        }
    }
}

#[test]
fn a_refusal_reads_back() {
    for language in Language::ALL {
        let refusal = refusal();
        let printed = refusal_pdf(&refusal, language).unwrap();
        let (_folder, file) = saved(&printed, &format!("refusal-{language}.pdf"));
        let text = words(&file);
        for ground in &refusal.grounds {
            assert!(text.contains(ground.text.text(language)), "{text}");
        }
        assert!(text.contains("Тауардың шығу тегі туралы сертификат ұсынылмаған."));
    }
}

#[test]
fn equal_input_gives_equal_octets_and_another_number_another_identifier() {
    let first = licence_pdf(&licence(GOODS), Language::Ru).unwrap();
    let second = licence_pdf(&licence(GOODS), Language::Ru).unwrap();
    assert_eq!(first, second);
    let mut other = licence(GOODS);
    other.number.push('0');
    let other = licence_pdf(&other, Language::Ru).unwrap();
    let identifier =
        |pdf: &[u8]| lopdf::Document::load_mem(pdf).unwrap().trailer.get(b"ID").unwrap().clone();
    assert_ne!(identifier(&first.pdf), identifier(&other.pdf));
}

#[test]
fn other_programs_accept_the_file() {
    for (name, printed) in [
        ("checked.pdf", licence_pdf(&licence(GOODS), Language::Kk).unwrap()),
        ("checked-long.pdf", licence_pdf(&licence(&many_goods()), Language::En).unwrap()),
        ("checked-refusal.pdf", refusal_pdf(&refusal(), Language::Ru).unwrap()),
    ] {
        let (_folder, file) = saved(&printed, name);
        let said = run("qpdf", &["--check"], &file, &[]);
        assert!(said.contains("No syntax or stream encoding errors"), "{said}");
        let said = run("pdfinfo", &[], &file, &[]);
        for wanted in [
            "Tagged:          yes",
            "Metadata Stream: yes",
            "Producer:        Qoltanba",
            "A4",
            "PDF/A-3U:2012",
            "Level U, Unicode support",
        ] {
            assert!(said.contains(wanted), "{said}");
        }
        let said = run("pdffonts", &[], &file, &[]);
        assert_eq!(said.matches("yes yes yes").count(), 2, "embedded, subset, Unicode: {said}");
    }
}

#[test]
fn faces_have_the_letters_of_the_document_and_few_others() {
    let lengths = |licence: &Licence| {
        let printed = licence_pdf(licence, Language::Kk).unwrap();
        let document = lopdf::Document::load_mem(&printed.pdf).unwrap();
        let programs = document.objects.values().filter_map(|one| one.as_stream().ok());
        let length = |one: &lopdf::Stream| one.dict.get(b"Length1").and_then(|one| one.as_i64());
        let mut lengths: Vec<i64> = programs.filter_map(|one| length(one).ok()).collect();
        lengths.sort_unstable();
        (lengths, printed.pdf.len())
    };
    // The seller has letters of Turkish, which the bold face does not show.
    let ((with, larger), mut plain) = (lengths(&licence(GOODS)), licence(GOODS));
    for field in &mut plain.fields {
        field.value = field.value.chars().filter(|c| c.is_ascii() || (*c as u32) > 0x3ff).collect();
    }
    let (without, smaller) = lengths(&plain);
    assert!(with[0] == without[1] && without[0] < with[1] / 2, "{with:?} {without:?}");
    assert!(smaller < 52_000 && larger < 68_000, "{smaller} {larger}");
}

#[test]
fn a_screen_reader_hears_whole_sentences_in_order() {
    let licence = licence(GOODS);
    let printed = licence_pdf(&licence, Language::En).unwrap();
    let (_folder, file) = saved(&printed, "heard.pdf");
    let heard = run("pdfinfo", &["-struct-text"], &file, &[]);
    let mut rest = heard.as_str();
    for wanted in [
        licence.authority.name.text(Language::En),
        "H1",
        &licence.holder_name,
        "Table",
        "/Scope /Column",
        GOODS,
        licence.conditions[0].text(Language::En),
        "Figure",
    ] {
        let at = rest.find(wanted).unwrap_or_else(|| panic!("{wanted} not in {rest}"));
        rest = &rest[at..];
    }
    assert!(!heard.contains("Page 1 of 2"), "page numbers are no content");
    let document = lopdf::Document::load_mem(&printed.pdf).unwrap();
    let elements = document.objects.values().filter_map(|object| object.as_dict().ok());
    let spoken = elements.filter_map(|element| element.get(b"Alt").ok());
    let spoken: Vec<_> = spoken.map(|text| lopdf::decode_text_string(text).unwrap()).collect();
    assert_eq!(spoken, [licence.verify_url]);
}

#[test]
fn a_reader_of_qr_codes_finds_the_address() {
    let licence = licence(&many_goods());
    let printed = licence_pdf(&licence, Language::Kk).unwrap();
    let (folder, file) = saved(&printed, "scanned.pdf");
    let page = (printed.stamp.page + 1).to_string();
    let picture = folder.path().join("page");
    // 120 dots per inch: a poor copy of a copy.
    let shape = ["-r", "120", "-f", &page, "-singlefile", "-png"];
    run("pdftoppm", &shape, &file, &[picture.to_str().unwrap()]);
    let shape = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
    let found = run("zbarimg", &shape, &picture.with_extension("png"), &[]);
    assert_eq!(found.trim(), licence.verify_url);
}

#[test]
fn the_place_of_the_stamp_is_free_and_on_the_page() {
    for (goods, language) in [(GOODS.to_owned(), Language::Kk), (many_goods(), Language::Ru)] {
        let printed = licence_pdf(&licence(&goods), language).unwrap();
        let place = printed.stamp;
        assert!(place.x >= 40.0 && place.x + place.width <= 556.0, "{place:?}");
        assert!(place.y >= 66.0 && place.y + place.height <= 780.0, "{place:?}");
        let (_folder, file) = saved(&printed, "stamp.pdf");
        let page = (place.page + 1).to_string();
        let (x, y) = (place.x.ceil(), (841.89 - place.y - place.height).ceil());
        let (width, height) = (place.width.floor() - 1.0, place.height.floor() - 1.0);
        let [x, y, width, height] = [x, y, width, height].map(|number| number.to_string());
        let cut = ["-f", &page, "-l", &page, "-x", &x, "-y", &y, "-W", &width, "-H", &height];
        let inside = run("pdftotext", &cut, &file, &["-"]);
        assert_eq!(inside.trim(), "", "text under the stamp");
        assert!(outlined(&printed), "the place is not the box that is drawn");
    }
}

/// Whether the page of the stamp shows a box at exactly its place.
fn outlined(printed: &Printed) -> bool {
    let document = lopdf::Document::load_mem(&printed.pdf).unwrap();
    let page = document.page_iter().nth(printed.stamp.page).unwrap();
    let content = document.get_page_content(page);
    let operations = lopdf::content::Content::decode(&content).unwrap().operations;
    let place = printed.stamp;
    let wanted = [place.x, place.y, place.width, place.height];
    operations.iter().filter(|operation| operation.operator == "re").any(|operation| {
        let sides = operation.operands.iter().map(|number| number.as_float().unwrap());
        sides.zip(wanted).all(|(side, wanted)| (side - wanted).abs() < 0.02)
    })
}

#[test]
fn what_cannot_be_printed_is_refused_by_name() {
    let mut bad = licence(GOODS);
    bad.fields[5].value = "华为技术有限公司".to_owned();
    assert!(matches!(licence_pdf(&bad, Language::Kk), Err(PrintError::Character('华'))));
    let mut bad = licence(GOODS);
    bad.verify_url = format!("https://licence.example.kz/{}", "x".repeat(3000));
    assert!(matches!(licence_pdf(&bad, Language::Kk), Err(PrintError::Address)));
}

#[test]
fn names_without_a_single_space_still_stay_inside_their_columns() {
    let mut licence = licence(&"ҚҰҒЫМ".repeat(300));
    licence.holder_name = "Ұ".repeat(400);
    licence.authority.name.kk = "Қ".repeat(200);
    licence.signatory.position.kk = "Ө".repeat(300);
    let printed = licence_pdf(&licence, Language::Kk).unwrap();
    let (_folder, file) = saved(&printed, "unbroken.pdf");
    let boxes = run("pdftotext", &["-bbox"], &file, &["-"]);
    let edges = boxes.split("xMax=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let furthest = edges.map(|edge| edge.parse::<f64>().unwrap()).fold(0.0, f64::max);
    assert!(furthest <= 542.0, "text reaches {furthest}");
}

/// Prints how long a licence takes; the bound is wide because tests run unoptimised and crowded.
#[test]
fn a_licence_is_made_fast() {
    let licence = licence(GOODS);
    licence_pdf(&licence, Language::Kk).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..20 {
        licence_pdf(&licence, Language::Kk).unwrap();
    }
    let each = start.elapsed() / 20;
    println!("a licence takes {each:?}");
    assert!(each.as_millis() < 200, "{each:?}");
}
