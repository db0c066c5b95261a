"""Verifications of a signed PDF per second of processor time with pyHanko. usage: FILE CERTIFICATES...

The certificates are trusted; the path is validated, and nobody is asked about revocation, as with
ours. pyHanko does not look for covered text.
"""

import io
import logging
import sys
import time

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

logging.disable(logging.CRITICAL)


def certificate(path):
    octets = open(path, "rb").read()
    if pem.detect(octets):
        _, _, octets = pem.unarmor(octets)
    return x509.Certificate.load(octets)


octets = open(sys.argv[1], "rb").read()
trusted = [certificate(path) for path in sys.argv[2:]]


def verify():
    context = ValidationContext(trust_roots=trusted, allow_fetching=False)
    signatures = PdfFileReader(io.BytesIO(octets)).embedded_signatures
    assert len(signatures) == 1
    status = validate_pdf_signature(signatures[0], signer_validation_context=context)
    assert status.intact and status.valid and status.trusted, status.pretty_print_details()


verify()
began, done = time.process_time(), 0
while True:
    verify()
    done += 1
    took = time.process_time() - began
    if took >= 1.0:
        break
print(f"{done / took:.1f}")
