"""Signs PDFs and CMS messages with pyHanko, for this project to verify.

Usage: pdf_sign.py OUT KIND, where KIND is that of the signers' keys, rsa or p256. Writes root.pem,
root.crl, content and the signed files; everything is made up on the spot.
"""

import asyncio
import datetime
import io
import sys
from pathlib import Path

from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from asn1crypto import keys, pem, x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils import generic, writer
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

OUT, KIND = Path(sys.argv[1]), sys.argv[2]
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


def name(common):
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ])


def certificate(common, key, issuer, issuer_key, extensions):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common)).issuer_name(name(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY).not_valid_after(NOW + 365 * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    made = builder.sign(issuer_key, hashes.SHA256())
    return asn1_x509.Certificate.load(made.public_bytes(serialization.Encoding.DER))


def private(key):
    return keys.PrivateKeyInfo.load(key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


def usage(**wanted):
    every = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{one: wanted.get(one, False) for one in every}), True


def new_key(kind):
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


ROOT_KEY, *OTHER_KEYS = [new_key(kind) for kind in ("rsa", "rsa", KIND, KIND, KIND)]
ROOT = certificate("Interop root", ROOT_KEY, "Interop root", ROOT_KEY, [
    (x509.BasicConstraints(True, None), True), usage(key_cert_sign=True, crl_sign=True)])
TSA = certificate("Interop time", OTHER_KEYS[0], "Interop root", ROOT_KEY, [
    usage(digital_signature=True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)])
CRL = asn1_crl.CertificateList.load(
    x509.CertificateRevocationListBuilder()
    .issuer_name(name("Interop root")).last_update(NOW).next_update(NOW + 7 * DAY)
    .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT_KEY.public_key()), False)
    .add_extension(x509.CRLNumber(1), False)
    .sign(ROOT_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
STAMPER = DummyTimeStamper(
    tsa_cert=TSA, tsa_key=private(OTHER_KEYS[0]),
    certs_to_embed=SimpleCertificateStore.from_certs([ROOT]))


def signer(index, common):
    own = certificate(common, OTHER_KEYS[index], "Interop root", ROOT_KEY, [
        usage(digital_signature=True, content_commitment=True)])
    registry = SimpleCertificateStore.from_certs([ROOT])
    return signers.SimpleSigner(
        signing_cert=own, signing_key=private(OTHER_KEYS[index]), cert_registry=registry)


OFFICER, HEAD, SEAL = signer(1, "Officer"), signer(2, "Head"), signer(3, "Seal")


def context():
    return ValidationContext(
        trust_roots=[ROOT], crls=[CRL], other_certs=[TSA], allow_fetching=False,
        revocation_mode="hard-fail")


def page():
    """A page with a text field, so that a form can be filled in after signing."""
    pdf = writer.PdfFileWriter()
    content = pdf.add_object(generic.StreamObject(stream_data=b"BT ET"))
    sheet = writer.PageObject(
        contents=content, media_box=generic.ArrayObject(map(generic.NumberObject, [0, 0, 595, 842])))
    place = pdf.insert_page(sheet)
    field = pdf.add_object(generic.DictionaryObject({
        generic.pdf_name("/FT"): generic.pdf_name("/Tx"),
        generic.pdf_name("/T"): generic.pdf_string("remark"),
        generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
        generic.pdf_name("/Subtype"): generic.pdf_name("/Widget"),
        generic.pdf_name("/F"): generic.NumberObject(4),
        generic.pdf_name("/P"): place,
        generic.pdf_name("/Rect"): generic.ArrayObject(
            map(generic.NumberObject, [50, 700, 300, 720])),
    }))
    place.get_object()["/Annots"] = generic.ArrayObject([field])
    pdf.root["/AcroForm"] = pdf.add_object(generic.DictionaryObject({
        generic.pdf_name("/Fields"): generic.ArrayObject([field])}))
    out = io.BytesIO()
    pdf.write(out)
    return out.getvalue()


def signed(pdf, who=None, field="Officer", level="B", **more):
    meta = signers.PdfSignatureMetadata(
        field_name=field, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES,
        embed_validation_info=level in ("LT", "LTA"), use_pades_lta=level == "LTA",
        validation_context=context(), **more)
    stamper = None if level == "B" else STAMPER
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, who or OFFICER, timestamper=stamper)
    return out.getvalue()


def filled(pdf):
    update = IncrementalPdfFileWriter(io.BytesIO(pdf))
    field = next(one for one in update.root["/AcroForm"]["/Fields"]
                 if one.get_object().get("/T") == "remark")
    field.get_object()["/V"] = generic.pdf_string("filled in later")
    update.mark_update(field)
    out = io.BytesIO()
    update.write(out)
    return out.getvalue()


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    put = lambda file, octets: (OUT / file).write_bytes(octets)
    put("root.pem", pem.armor("CERTIFICATE", ROOT.dump()))
    put("root.crl", CRL.dump())
    for level in ("B", "T", "LT", "LTA"):
        put(f"pades-{level}.pdf", signed(page(), level=level))
    two = signed(signed(page(), level="LT"), HEAD, "Head", "LT")
    put("pades-two.pdf", two)
    put("pades-three-LTA.pdf", signed(two, SEAL, "Seal", "LTA"))
    forms = fields.MDPPerm.FILL_FORMS
    certified = signed(page(), certify=True, docmdp_permissions=forms)
    put("pades-certified.pdf", certified)
    put("pades-certified-filled.pdf", filled(certified))
    put("pades-filled.pdf", filled(signed(page())))

    content = "Мазмұны".encode() * 1000
    put("content", content)
    for detached in (False, True):
        for stamper in (None, STAMPER):
            message = asyncio.run(OFFICER.async_sign_general_data(
                content, "sha256", detached=detached, timestamper=stamper, use_cades=True))
            kind = ("detached" if detached else "attached") + ("-T" if stamper else "-B")
            put(f"cades-{kind}.cms", asn1_cms.ContentInfo.dump(message))


main()
