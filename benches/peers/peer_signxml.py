"""Verifications per second of processor time with signxml. usage: FILE SIGNER.PEM"""

import sys
import time

from signxml import SignatureConfiguration, XMLVerifier

text = open(sys.argv[1], "rb").read()
certificate = open(sys.argv[2]).read()


def verify():
    # The certificate is given and no chain is built, as with the other peers.
    configuration = SignatureConfiguration(expect_references=1)
    XMLVerifier().verify(text, x509_cert=certificate, expect_config=configuration)


verify()
began, done = time.process_time(), 0
while True:
    verify()
    done += 1
    took = time.process_time() - began
    if took >= 1.0:
        break
print(f"{done / took:.1f}")
