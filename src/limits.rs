//! The limits table: every bound a parser or a search runs under, with the reason for its number.
//!
//! A limit is never a tuning knob of one call site: it stands here, so that a reader can judge
//! the whole exposure of the program to hostile input on one screen.

/// Largest document taken for verification in memory, in bytes. A licence has 3–100 KB, scanned
/// annexes reach some tens of MB; 32 MiB covers them and lets two dozen run in 1 GiB.
pub const DOCUMENT_BYTES: usize = 32 * 1024 * 1024;

/// Documents of the public that are judged at a time: each may take some hundred MB at its worst,
/// and each may wait for a slow responder on a thread that others need.
pub const JUDGED_AT_ONCE: usize = 24;

/// Size up to which a document is judged on the thread that received it, in bytes. An honest licence
/// has 3–14 KB and takes a tenth of a millisecond; at worst, with every signature and reference that
/// fits, some tens of milliseconds, in which another thread serves the other connections.
pub const JUDGED_IN_PLACE_BYTES: usize = 16 * 1024;

/// Time a caller waits for its turn to be judged before it is told to come back, in milliseconds.
pub const JUDGE_WAIT_MILLISECONDS: u64 = 10_000;

/// Largest JSON body of an API call, in bytes. The 18-field forms take under 20 KB.
pub const JSON_BODY_BYTES: usize = 256 * 1024;

/// Octets of a body that was too large anyway which are read and forgotten, so that the caller sees
/// the answer: twice the largest document.
pub const FORGOTTEN_BODY_BYTES: usize = 64 * 1024 * 1024;

/// How long that may take, in milliseconds.
pub const FORGOTTEN_BODY_MILLISECONDS: u64 = 2_000;

/// Largest attachment of a request, in bytes (a scanned contract of ~100 pages).
pub const ATTACHMENT_BYTES: usize = 16 * 1024 * 1024;

/// Attachments of one request. The orders name at most a dozen documents for a service.
pub const ATTACHMENTS: usize = 32;

/// Nesting of XML elements. Real documents stay under 30; recursion is avoided anyway.
pub const XML_DEPTH: usize = 200;

/// XML nodes (elements, text runs, comments, instructions) of one document. A 32 MiB document of
/// shortest elements would have 8 million; honest ones of that size have under one million.
pub const XML_NODES: usize = 2_000_000;

/// Attributes of one XML element, namespace declarations included. Honest ones stay under 40.
pub const XML_ATTRIBUTES: usize = 256;

/// Namespace declarations in scope at one XML element; canonicalization work grows with it.
pub const XML_NAMESPACES_IN_SCOPE: usize = 256;

/// Signatures read in one document: signers, counter-signers and seals together stay under 20.
pub const SIGNATURES: usize = 64;

/// References of one XML signature (Apache Santuario's secure validation allows 30).
pub const XML_REFERENCES: usize = 30;

/// Transforms of one XML reference: enveloped and one canonicalization are all that is needed;
/// the third leaves room for the XPath form of the enveloped transform.
pub const XML_TRANSFORMS: usize = 3;

/// Canonical octets made while reading the signatures of one XML document, all references
/// together. Exclusive forms repeat namespace declarations, so that a small hostile document can
/// have an enormous canonical form; eight signers over a document of the largest size fit.
pub const XML_CANONICAL_BYTES: usize = 8 * DOCUMENT_BYTES;

/// Nodes passed while reading the signatures of one XML document, all references together. Comments
/// and elements that are left out cost time and make no octets. Sixty-four walks over the largest
/// document, and honest ones have a tenth of its nodes.
pub const XML_STEPS: usize = 64 * XML_NODES;

/// Hints about the key in one KeyInfo (names, identifiers, digests, values, CRLs): each is compared
/// with every certificate that came along. Honest ones have under five.
pub const KEY_HINTS: usize = 64;

/// References of the manifests of one XML signature, all together; an honest one lists the files
/// of one delivery.
pub const XML_MANIFEST_REFERENCES: usize = 256;

/// Manifests in manifests (xmldsig-core1 §5.1 sets no bound; nobody was seen to use two).
pub const XML_MANIFEST_DEPTH: usize = 3;

/// Unsigned properties of one XAdES signature: time-stamps, values and counter-signatures of a
/// century of renewals stay under it.
pub const UNSIGNED_PROPERTIES: usize = 128;

/// Revocation values carried with one signature: a path needs two or three, each renewal adds one
/// or two.
pub const REVOCATION_VALUES: usize = 128;

/// Roles, commitments or content types told of one signature.
pub const CLAIMS: usize = 16;

/// Characters of one such claim.
pub const CLAIM_TEXT: usize = 1_024;

/// Difference of clocks allowed for between the systems that exchange messages, in seconds.
pub const MESSAGE_SKEW_SECONDS: i64 = 60;

/// Octets of a large XML document that are parsed at a time. The tree over them takes up to thirty
/// times as many.
pub const STREAM_BYTES: usize = 1024 * 1024;

/// Largest tag, comment, CDATA section, instruction or signature of a large XML document, in
/// bytes. Signatures with their evidence take under 1 MB.
pub const STREAM_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Start tags open at a time in a large XML document, in bytes, all together: each piece is parsed
/// with them before it.
pub const STREAM_OPEN_BYTES: usize = 64 * 1024;

/// Ids in a large XML document: each takes eight to sixteen octets, so that none can stand twice.
pub const STREAM_IDS: usize = 2_000_000;

/// Certificates carried in one document or request (path, time-stamp and responder of each
/// signer).
pub const CERTIFICATES: usize = 128;

/// Size of one certificate, in bytes. National certificates have 1.2–2.5 KB.
pub const CERTIFICATE_BYTES: usize = 64 * 1024;

/// Certificates whose parsed form is kept, so that the same ones need not be read for each document.
/// Signers who come often are some hundred; with the next limit they take at most 8 MB.
pub const KNOWN_CERTIFICATES: usize = 512;

/// Size of a certificate whose parsed form is kept, in bytes as it came (base64 included).
pub const KNOWN_CERTIFICATE_BYTES: usize = 6 * 1024;

/// Issuers' signatures over certificates remembered as good, in one trust store; 70 bytes each.
pub const GOOD_SIGNATURES: usize = 4_096;

/// Paths remembered as put together by the rules; their certificates are mostly those kept above.
pub const KNOWN_PATHS: usize = 512;

/// Size of one file of the trust store, in bytes. A bundle of every public root has 250 KB.
pub const TRUST_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Certificates of one path, anchor included (the national hierarchy has three).
pub const PATH_LENGTH: usize = 10;

/// Signature checks spent on building one path (rustls-webpki spends 100).
pub const PATH_SIGNATURES: usize = 100;

/// Candidate issuers looked at while building one path (Go CVE-2018-16875 is the story).
pub const PATH_CANDIDATES: usize = 10_000;

/// Items of one list in a certificate's extension (policies, mappings, names). Real ones have
/// under 30, large public-web ones some hundreds; policy processing grows with their product.
pub const EXTENSION_ITEMS: usize = 1_024;

/// Comparisons of a name with a constraint while judging one path (rustls-webpki: 250 000).
pub const PATH_NAME_COMPARISONS: usize = 250_000;

/// Size of a CRL fetched or read, in bytes. The national GOST CRL has about 19 MB.
pub const CRL_BYTES: usize = 64 * 1024 * 1024;

/// Size up to which a CRL is kept whole as evidence, in bytes; of a larger one its digest is.
pub const CRL_EVIDENCE_BYTES: usize = 64 * 1024;

/// Serial numbers of over 20 octets in one CRL; RFC 5280 §4.1.2.2 allows none.
pub const CRL_LONG_SERIALS: usize = 10_000;

/// CRLs kept in memory at a time; a hierarchy has two to four.
pub const CRLS_KEPT: usize = 64;

/// Addresses of one kind asked for one certificate; real certificates name one or two.
pub const STATUS_ADDRESSES: usize = 3;

/// Size of an OCSP response, in bytes; real ones have 2–4 KB.
pub const OCSP_BYTES: usize = 64 * 1024;

/// OCSP answers kept in memory; each takes under 8 KB.
pub const OCSP_ANSWERS_KEPT: usize = 1_024;

/// Size of a time-stamp response, in bytes; real ones have 2–8 KB.
pub const TIMESTAMP_BYTES: usize = 128 * 1024;

/// Time-stamps looked at in one signature. A licence kept for a lifetime gets a new archive
/// time-stamp whenever the certificate of the last one ends, every one to three years. Each costs a
/// signature check and a path, some tenths of a millisecond.
pub const TIMESTAMPS: usize = 64;

/// Time-stamps judged in one document, all its signatures together: a document of three signers
/// after eighty years of renewals. Without it a document full of signatures and tokens would cost
/// thousands of paths.
pub const TIMESTAMPS_JUDGED: usize = 256;

/// Time-stamping authorities asked in turn; an operator has a handful at most.
pub const TIMESTAMP_AUTHORITIES: usize = 8;

/// How often the service looks whether the files of the trust store changed, in seconds: a new
/// certificate works within the time it takes to tell somebody.
pub const TRUST_POLL_SECONDS: u64 = 10;

/// Size of a validation policy, in bytes. The built-in one has 3 KB.
pub const POLICY_BYTES: usize = 64 * 1024;

/// Size of a stored diagnostic report, in bytes: base64 makes a third more of the signed octets,
/// which for a CMS signature without attributes are the document itself.
pub const DIAGNOSTIC_BYTES: usize = 2 * DOCUMENT_BYTES;

/// Time for one outbound fetch (certificate status, CRL, time-stamp, payment), in milliseconds.
/// A person waits behind it, so a dead responder must not hold the page for long.
pub const FETCH_MILLISECONDS: u64 = 5_000;

/// Size of a CMS signature, in bytes: certificates, time-stamp and revocation values inside.
pub const CMS_BYTES: usize = 4 * 1024 * 1024;

/// Signed attributes of one CMS signer; the largest profiles have under a dozen.
pub const SIGNED_ATTRIBUTES: usize = 64;

/// Nesting of ASN.1 values accepted before a decoder sees them; CMS needs about 12.
pub const ASN1_DEPTH: usize = 48;

/// Size of a PKCS#12 file, in bytes. National ones have 2–4 KB; a long path adds some.
pub const PKCS12_BYTES: usize = 256 * 1024;

/// Iterations of password derivation spent on one PKCS#12 file, all its parts together: three
/// parts of the 600 000 that are advised today fit. At worst some seconds of work.
pub const PKCS12_ITERATIONS: u32 = 2_000_000;

/// Bags (keys, certificates) of one PKCS#12 file.
pub const PKCS12_BAGS: usize = 128;

/// Objects of one PDF. Honest documents of the accepted size have under 200 000.
pub const PDF_OBJECTS: usize = 500_000;

/// Revisions (incremental updates) of one PDF: signatures, time-stamps and stamps stay under 50.
pub const PDF_REVISIONS: usize = 128;

/// How many times its own size the objects of a PDF (without the octets of its streams, which are
/// most of an honest file) are read while its signatures are judged. A signature needs about five
/// times the objects, so this does for a dozen.
pub const PDF_READS: usize = 16;

/// Values (numbers, names, list items) of one PDF object: each takes about a hundred bytes of
/// memory; the largest honest lists have under 100 000.
pub const PDF_VALUES: usize = 500_000;

/// Values read while one PDF is judged, repeated reading included; at worst three seconds of work.
/// A dozen signatures over a document of 10 000 objects need some six million.
pub const PDF_VALUES_READ: usize = 8_000_000;

/// Length of a form field's full name in a PDF, in bytes; every level of nesting adds to it.
pub const PDF_FIELD_NAME: usize = 1_024;

/// Bytes of one decompressed PDF stream; the licence XML inside stays under 1 MB.
pub const PDF_STREAM_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of the content of one page that are looked at for covered text; a dense page of text has
/// under 200 KB, a map some MB.
pub const PDF_CONTENT_BYTES: usize = 8 * 1024 * 1024;

/// Largest PDF judged from a file, in bytes: scans of whole archives. Over HTTP
/// [`DOCUMENT_BYTES`] holds. Beside the file itself it takes no more memory than a small one.
pub const PDF_BYTES: usize = 1024 * 1024 * 1024;

/// Bytes of all the streams decompressed while one PDF is judged.
pub const PDF_DECODED_BYTES: usize = 256 * 1024 * 1024;

/// Bytes reserved in a PDF signature for its time-stamp (hexadecimal doubles it): tokens carry
/// their authority's certificates and take 3 to 7 KB.
pub const PDF_TIMESTAMP_BYTES: usize = 8 * 1024;

/// Bytes reserved for a CMS message inside a PDF whose maker nobody knows beforehand: a signature
/// made elsewhere, a document time-stamp (hexadecimal doubles it).
pub const PDF_SIGNATURE_BYTES: usize = 16 * 1024;

/// Life of a login challenge, in seconds: time to enter a PIN, too short to be collected.
pub const CHALLENGE_SECONDS: i64 = 300;

/// Life of a session, in seconds: a working day.
pub const SESSION_SECONDS: i64 = 8 * 60 * 60;

/// Life of a prepared document that waits for its signature, in seconds: an officer may have to
/// fetch the token from the safe.
pub const PENDING_SECONDS: i64 = 30 * 60;

/// Size of a document whose signature is deferred, in bytes: the ticket carries it to and fro.
pub const DEFERRED_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// Reports sealed in one minute. Anybody may ask for one, each takes a token's signature and some
/// 50 KB of the store: this lets the store grow by 9 GB a day at the very most.
pub const SEALED_REPORTS_PER_MINUTE: u32 = 120;
/// Size of the call that brings such a ticket back, in bytes: JSON and base64 make up to three
/// times the document.
pub const DEFERRED_TICKET_BYTES: usize = 3 * DEFERRED_DOCUMENT_BYTES;

/// Sessions held open on one token. Network HSMs allow hundreds, smart cards often one.
pub const TOKEN_SESSIONS: usize = 8;

/// Time a caller waits for a free token session before it is told to come back, in milliseconds.
pub const TOKEN_WAIT_MILLISECONDS: u64 = 10_000;

/// Certificate checks kept with one request. Each carries evidence; honest applicants need three,
/// and a few more for each certificate that was refused.
pub const CERTIFICATE_CHECKS: usize = 200;

/// Written reason or remark of an officer, in characters: two printed pages.
pub const OFFICER_TEXT: usize = 4_000;

/// Rows of one page read from the store. A page of cases with bodies of the JSON limit takes 50 MB
/// at worst, some hundred KB as a rule.
pub const STORE_PAGE_ROWS: usize = 200;

/// Size of one audit entry (actor, action, object and details), in bytes: digests and codes, not
/// documents. A page of rows then stays under 13 MB.
pub const AUDIT_ENTRY_BYTES: usize = 64 * 1024;

/// Connections for reading that are kept open while idle; more are opened when needed.
pub const STORE_IDLE_READERS: usize = 8;

/// Time a change waits for another process that writes to the store, in milliseconds. A change
/// takes some milliseconds, so a longer wait means that the other one is stuck.
pub const STORE_BUSY_MILLISECONDS: u64 = 5_000;
