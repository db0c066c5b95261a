"""Signs with signxml, or judges with it. Keys and documents lie in the current folder."""
import glob, sys
from lxml import etree
from signxml import CanonicalizationMethod, XMLSigner
from signxml.xades import XAdESDataObjectFormat, XAdESSigner, XAdESVerifier
from signxml.xades.xades import XAdESSignatureConfiguration

METHODS = {"rsa": "rsa-sha256", "p256": "ecdsa-sha256"}


def read(name):
    with open(name, "rb") as file:
        return file.read()


def document():
    # CDATA sections are text to every signature.
    return etree.fromstring(read("input.xml"), etree.XMLParser(strip_cdata=True))


def write(name, signed):
    with open(name, "wb") as file:
        file.write(etree.tostring(signed))


def make():
    for key, method in METHODS.items():
        private, cert = read(f"{key}.key.pem"), read(f"{key}.cert.pem").decode()
        for number, how in enumerate(CanonicalizationMethod):
            signer = XMLSigner(signature_algorithm=method, c14n_algorithm=how)
            write(f"signxml-{key}-{number}.xml", signer.sign(document(), key=private, cert=cert))
        # Its references to the properties name no transform, which means Canonical XML 1.0.
        signer = XAdESSigner(
            signature_algorithm=method,
            c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
            claimed_roles=["head"],
            data_object_format=XAdESDataObjectFormat(Description="licence", MimeType="text/xml"),
        )
        write(f"signxml-{key}-xades.xml", signer.sign(document(), key=private, cert=cert))


def check():
    for name in sorted(glob.glob("ours-*.xml") + glob.glob("bad-*.xml")):
        cert = read(f"{name.split('-')[1]}.cert.pem").decode()
        try:
            config = XAdESSignatureConfiguration(expect_references=2)
            results = XAdESVerifier().verify(read(name), x509_cert=cert, expect_config=config)
            assert results[0].signed_xml.tag == "{urn:l}licence"
            print("ok", name)
        except Exception as error:
            print("bad", name, type(error).__name__, str(error).replace("\n", " "))


{"make": make, "check": check}[sys.argv[1]]()
