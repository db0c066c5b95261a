"""Computes what each time-stamp of our XAdES documents must be over (EN 319 132-1 §5.3, §5.5.2),
with lxml alone, and lets openssl verify the token against it."""
import base64, copy, glob, hashlib, subprocess
from lxml import etree

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
XADES141 = "{http://uri.etsi.org/01903/v1.4.1#}"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


def form(node):
    return etree.tostring(node, method="c14n", exclusive=True, with_comments=False)


def processed(tree, reference):
    transforms = [one.get("Algorithm") for one in reference.iter(DS + "Transform")]
    uri = reference.get("URI")
    if uri == "":
        assert transforms == [ENVELOPED, EXCLUSIVE]
        whole = copy.deepcopy(tree)
        (own,) = whole.iter(DS + "Signature")
        assert not own.tail
        own.getparent().remove(own)
        octets = form(whole)
    else:
        assert transforms == [EXCLUSIVE]
        octets = form(tree.xpath("//*[@Id=$id]", id=uri[1:])[0])
    expected = reference.find(DS + "DigestValue").text
    assert base64.b64encode(hashlib.sha256(octets).digest()).decode() == expected
    return octets


def stamped(tree, signature, properties, index):
    stamp = properties[index]
    assert stamp.find(DS + "CanonicalizationMethod").get("Algorithm") == EXCLUSIVE
    if stamp.tag == XADES + "SignatureTimeStamp":
        return form(signature.find(DS + "SignatureValue"))
    octets = b""
    for reference in signature.iterfind(DS + "SignedInfo/" + DS + "Reference"):
        octets += processed(tree, reference)
    for name in ("SignedInfo", "SignatureValue", "KeyInfo"):
        octets += form(signature.find(DS + name))
    for before in properties[:index]:
        octets += form(before)
    for other in signature.iterfind(DS + "Object"):
        if other.find(XADES + "QualifyingProperties") is None:
            octets += form(other)
    return octets


for name in sorted(glob.glob("ours-*-t.xml") + glob.glob("ours-*-lta.xml")):
    tree = etree.parse(name)
    signature = tree.find(".//" + DS + "Signature")
    properties = signature.find(".//" + XADES + "UnsignedSignatureProperties")
    for index, stamp in enumerate(properties):
        if stamp.tag not in (XADES + "SignatureTimeStamp", XADES141 + "ArchiveTimeStamp"):
            continue
        digest = hashlib.sha256(stamped(tree, signature, properties, index)).hexdigest()
        with open("t.der", "wb") as file:
            file.write(base64.b64decode(stamp.find(XADES + "EncapsulatedTimeStamp").text))
        line = f"openssl ts -verify -digest {digest} -in t.der -token_in -CAfile tsa.cert.pem"
        done = subprocess.run(line.split(), capture_output=True, text=True)
        print("ok" if done.returncode == 0 else "bad", name, index, done.stderr.strip()[-200:].replace("\n", " "))
