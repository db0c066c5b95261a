//! Printed documents read by programs that are not ours: pdftotext, qpdf, zbarimg.

use std::path::Path;
use std::process::Command;

use time::macros::{date, datetime};

use super::{Printed, licence_pdf, refusal_pdf};
use crate::licensing::{
    Authority, DocumentKind, Field, Ground, Licence, Origin, Refusal, Signatory, Wording,
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

fn long_goods() -> String {
    let lines = (1..=90).map(|i| {
        format!(
            "{i}. 3808 92 – фунгицид «Ұшқын-{i}», әсер етуші зат – тебуконазол 250 г/л, {i} 000 кг"
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn run(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|e| panic!("{program}: {e}"));
    let (text, errors) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(text).unwrap()
}

fn pdftotext(file: &Path) -> String {
    let output = Command::new("pdftotext").args(["-layout"]).arg(file).arg("-").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
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

/// Text without line breaks and runs of spaces.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn texts_stand_in_three_languages() {
    assert_eq!(super::TEXTS.incomplete(), Some(vec![]));
}

#[test]
fn a_licence_reads_back_in_each_language() {
    for language in Language::ALL {
        let mut licence = licence(GOODS);
        licence.fields[15].value = LETTERS.to_owned();
        let printed = licence_pdf(&licence, language).unwrap();
        assert!(printed.pdf.len() <= 100_000, "{} octets", printed.pdf.len());
        let (_folder, file) = saved(&printed, &format!("licence-{language}.pdf"));
        let text = flat(&run("pdftotext", &["-raw"], &file).replace('\u{c}', ""));
        assert!(text.is_empty(), "pdftotext writes into a file");
        let text = flat(&pdftotext(&file));
        for wanted in [
            LETTERS,
            "№ KZ26TRD00000417",
            "01.12.2026 – 30.11.2027",
            "22.11.2026",
            "БСН 940140000385",
            "Өсімдіктерді қорғау құралдары",
            "Şırınoğlu Tarım",
            "7QF4-M2KX-9TRB-WV3H",
            "370-II",
            "Әбдірахманов Өмірғали Құрманғазыұлы",
        ] {
            let wanted = match language {
                Language::Kk => wanted.to_owned(),
                Language::Ru => wanted.replace("БСН", "БИН"),
                Language::En => wanted.replace("БСН", "BIN"),
            };
            assert!(text.contains(&wanted), "{language}: {wanted} not in {text}");
        }
    }
}
