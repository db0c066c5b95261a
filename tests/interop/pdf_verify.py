"""Verifies this project's PDFs and CMS messages with pyHanko, whose rules for what may be added
after a signature are the strictest there are.

Usage: pdf_verify.py DIR, where DIR holds root.pem, ca.pem, content and the files; the level is
the last word of a file's name. Exits with 1 if anything is refused.
"""

import asyncio
import sys
from pathlib import Path

from asn1crypto import cms, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import (
    RevocationInfoValidationType as Kind, async_validate_detached_cms,
    async_validate_pdf_ltv_signature, async_validate_pdf_signature)
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import async_validate_cms_signature
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext

HERE = Path(sys.argv[1])


def certificate(name):
    return x509.Certificate.load(pem.unarmor((HERE / name).read_bytes())[2])


ROOT, CA = certificate("root.pem"), certificate("ca.pem")


def settings(**more):
    return {"trust_roots": [ROOT], "other_certs": [CA], "allow_fetching": False, **more}


def offline():
    """Nothing but what the document carries."""
    return settings(revocation_mode="hard-fail")


def store(reader):
    """What the newest time-stamp is judged by: it was made a moment ago."""
    return DocumentSecurityStore.read_dss(reader).as_validation_context(offline())


async def pdf(path):
    level = path.stem.rsplit("-", 1)[-1]
    with path.open("rb") as file:
        reader = PdfFileReader(file)
        assert reader.embedded_regular_signatures, "no signature"
        for signature in reader.embedded_regular_signatures:
            match level:
                case "LT":
                    status = await async_validate_pdf_ltv_signature(
                        signature, Kind.PADES_LT, offline(), store(reader))
                case "LTA":
                    status = await async_validate_pdf_ltv_signature(
                        signature, Kind.PADES_LTA, offline(), store(reader))
                case _:
                    context = ValidationContext(**settings())
                    status = await async_validate_pdf_signature(
                        signature, context, ts_validation_context=context)
            assert status.bottom_line, status.pretty_print_details()
            assert status.modification_level in (
                ModificationLevel.NONE, ModificationLevel.LTA_UPDATES,
                ModificationLevel.FORM_FILLING), status.modification_level
            if level != "B":
                assert status.timestamp_validity is not None, "no time-stamp"
                stamp = status.timestamp_validity
                assert stamp.valid and stamp.trusted, "the time-stamp does not stand"


async def message(path):
    signed = cms.ContentInfo.load(path.read_bytes(), strict=True)["content"]
    context = ValidationContext(**settings())
    if signed["encap_content_info"]["content"].native is None:
        status = await async_validate_detached_cms(
            (HERE / "content").read_bytes(), signed, context)
    else:
        status = await async_validate_cms_signature(
            signed, StandardCMSSignatureStatus, validation_context=context)
    assert status.bottom_line, status.pretty_print_details()


def main():
    failed = 0
    for path in sorted(HERE.iterdir()):
        check = {".pdf": pdf, ".cms": message}.get(path.suffix)
        if check is None:
            continue
        try:
            asyncio.run(check(path))
            print(f"pyHanko accepts {path.name}")
        except Exception as error:
            failed += 1
            print(f"pyHanko REFUSES {path.name}: {type(error).__name__}: {error}")
    sys.exit(failed > 0)


main()
