//! From drawn pages to the octets of a PDF: fonts, metadata, structure; the same for equal input.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary, text_string};
use printpdf::{Mm, PdfDocument, PdfFont, PdfPage, PdfSaveOptions};
use time::{OffsetDateTime, UtcOffset};

use super::face::{Face, faces};
use super::sheet::Sheet;
use super::{PrintError, ornament};
use crate::crypto::{DigestAlgorithm, digest};
use crate::pdf;
use crate::text::Language;

/// The colours of the document (sRGB), as PDF/A wants them said; made by `assets/srgb-profile.py`.
const COLOURS: &[u8] = include_bytes!("../assets/srgb.icc");

/// What the file says about itself.
pub(super) struct About<'a> {
    pub(super) title: String,
    pub(super) author: &'a str,
    /// Number of the document; the file's identifier is made from it.
    pub(super) number: &'a str,
    pub(super) language: Language,
    pub(super) made: OffsetDateTime,
}

/// Writes the PDF.
pub(super) fn finish(sheet: Sheet, about: &About<'_>) -> Result<Vec<u8>, PrintError> {
    let faces = faces()?;
    let mut made = PdfDocument::new("");
    for (face, loaded) in Face::ALL.into_iter().zip(faces) {
        made.resources.fonts.map.insert(face.id(), PdfFont::new(loaded.parsed.clone()));
    }
    let shown = Face::ALL.map(|face| sheet.characters(face));
    let pages = sheet.pages.into_iter();
    made.pages = pages.map(|page| PdfPage::new(Mm(210.0), Mm(297.0), page.ops)).collect();
    let mut document = made.to_lopdf_document(&PdfSaveOptions::default(), &mut Vec::new());
    document.version = "1.7".to_owned();

    embed_fonts(&mut document, &shown)?;
    let pages: Vec<ObjectId> = document.page_iter().collect();
    for (at, page) in pages.iter().enumerate() {
        let page = document.get_dictionary_mut(*page)?;
        page.set("StructParents", i64::try_from(at).unwrap_or(i64::MAX));
        page.set("Tabs", "S");
        page.remove(b"Annots");
    }
    add_frame(&mut document, pages.first())?;
    let structure = sheet.tree.write(&mut document, &pages);
    describe(&mut document, about, structure)?;
    pdf::compress(&mut document);
    let mut octets = Vec::new();
    document.save_to(&mut octets).map_err(lopdf::Error::IO)?;
    Ok(octets)
}

/// Puts the font programs, compressed beforehand, where the library wrote stand-ins.
fn embed_fonts(document: &mut Document, shown: &[String; 2]) -> Result<(), PrintError> {
    let mut found: Vec<(ObjectId, usize)> = Vec::new();
    for object in document.objects.values() {
        let Ok(descriptor) = object.as_dict() else { continue };
        let Ok(program) = descriptor.get(b"FontFile2").and_then(Object::as_reference) else {
            continue;
        };
        let bold = descriptor.get(b"FontName")?.as_name()?.ends_with(b"Bold");
        found.push((program, usize::from(bold)));
    }
    for (program, face) in found {
        let loaded = faces()?.get(face).zip(shown.get(face));
        let (loaded, shown) = loaded.ok_or(PrintError::Font)?;
        document.set_object(program, loaded.program(shown.chars()).clone());
    }
    Ok(())
}

/// Adds the frame to the resources that all pages share.
fn add_frame(document: &mut Document, page: Option<&ObjectId>) -> Result<(), PrintError> {
    let Some(page) = page else { return Ok(()) };
    let resources = document.get_dictionary(*page)?.get(b"Resources")?.as_reference()?;
    let forms = document.get_dictionary(resources)?.get(b"XObject")?.as_reference()?;
    let frame = document.add_object(ornament::CONTENT.clone());
    document.get_dictionary_mut(forms)?.set(ornament::FRAME, frame);
    Ok(())
}

/// Title, language, dates and identifier, in the old dictionary and as XMP (ISO 16684-1).
fn describe(
    document: &mut Document,
    about: &About<'_>,
    structure: ObjectId,
) -> Result<(), PrintError> {
    let made = about.made.to_offset(UtcOffset::UTC);
    let clock = format!("{:02}{:02}{:02}", made.hour(), made.minute(), made.second());
    let day = format!("{:04}{:02}{:02}", made.year(), u8::from(made.month()), made.day());
    let date = Object::string_literal(format!("D:{day}{clock}Z"));
    let info = document.add_object(dictionary! {
        "Title" => text_string(&about.title),
        "Author" => text_string(about.author),
        "Creator" => text_string("Qoltanba"),
        "Producer" => text_string("Qoltanba"),
        "CreationDate" => date.clone(),
        "ModDate" => date,
        // No key of PDF/A, which is said in XMP; but the one from which `pdfinfo` tells it.
        "GTS_PDFA1Version" => Object::string_literal("PDF/A-3U:2012"),
    });
    let replaced = document.trailer.get(b"Info").and_then(Object::as_reference).ok();
    document.trailer.set("Info", info);
    if let Some(id) = replaced {
        document.objects.remove(&id);
    }
    let named = format!("{}\n{}", about.number, about.language);
    let mut identifier = digest(DigestAlgorithm::Sha256, named.as_bytes());
    identifier.truncate(16);
    let identifier = Object::String(identifier, lopdf::StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![identifier.clone(), identifier]);

    let mut metadata = Dictionary::new();
    metadata.set("Type", "Metadata");
    metadata.set("Subtype", "XML");
    // Left uncompressed: tools look for the packet without reading the PDF.
    let mut metadata = Stream::new(metadata, xmp(about, made).into_bytes());
    metadata.allows_compression = false;
    let metadata = document.add_object(metadata);
    let colours = Stream::new(dictionary! { "N" => 3 }, COLOURS.to_vec());
    let colours = document.add_object(colours);
    let intent = dictionary! {
        "Type" => "OutputIntent",
        "S" => "GTS_PDFA1",
        "OutputConditionIdentifier" => Object::string_literal("sRGB"),
        "Info" => Object::string_literal("sRGB IEC61966-2.1"),
        "DestOutputProfile" => colours,
    };
    let catalog = document.catalog_mut()?;
    catalog.set("OutputIntents", vec![Object::Dictionary(intent)]);
    catalog.set("Lang", Object::string_literal(about.language.code()));
    catalog.set("MarkInfo", dictionary! { "Marked" => true });
    catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    catalog.set("StructTreeRoot", structure);
    catalog.set("Metadata", metadata);
    catalog.remove(b"PageLayout");
    Ok(())
}

fn xmp(about: &About<'_>, made: OffsetDateTime) -> String {
    let day = format!("{:04}-{:02}-{:02}", made.year(), u8::from(made.month()), made.day());
    let date = format!("{day}T{:02}:{:02}:{:02}Z", made.hour(), made.minute(), made.second());
    let (title, author) = (escape(&about.title), escape(about.author));
    let language = about.language;
    format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\" \
         xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\">\
         <pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>\
         <dc:format>application/pdf</dc:format>\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{title}</rdf:li></rdf:Alt></dc:title>\
         <dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>\
         <dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>\
         <xmp:CreatorTool>Qoltanba</xmp:CreatorTool>\
         <xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate>\
         <pdf:Producer>Qoltanba</pdf:Producer>\
         </rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
