// Signs with xml-crypto, or judges with it. Keys and documents lie in the current folder.
const crypto = require("crypto");
const fs = require("fs");
const { SignedXml } = require("xml-crypto");
const { DOMParser } = require("@xmldom/xmldom");

const ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
const METHODS = {
  rsa: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  p256: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
};
const FORMS = [
  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
  "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
  "http://www.w3.org/2001/10/xml-exc-c14n#",
  "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
];

// It brings no ECDSA of its own, but takes one; values are r ‖ s (RFC 6931).
class Ecdsa {
  getSignature(octets, key) {
    return crypto.sign("sha256", Buffer.from(octets), { key, dsaEncoding: "ieee-p1363" }).toString("base64");
  }
  verifySignature(octets, key, value) {
    const how = { key, dsaEncoding: "ieee-p1363" };
    return crypto.verify("sha256", Buffer.from(octets), how, Buffer.from(value, "base64"));
  }
  getAlgorithmName() {
    return METHODS.p256;
  }
}

function signature(options) {
  const made = new SignedXml(options);
  made.SignatureAlgorithms[METHODS.p256] = Ecdsa;
  return made;
}

const read = (name) => fs.readFileSync(name, "utf8");

function make() {
  for (const [key, signatureAlgorithm] of Object.entries(METHODS)) {
    FORMS.forEach((form, number) => {
      const made = signature({
        privateKey: read(`${key}.key.pem`),
        publicCert: read(`${key}.cert.pem`),
        signatureAlgorithm,
        canonicalizationAlgorithm: form,
      });
      made.addReference({
        xpath: "/*", isEmptyUri: true, transforms: [ENVELOPED, form], digestAlgorithm: SHA256,
      });
      // Line ends are the parser's business (XML 1.0 §2.11); xmldom leaves them.
      made.computeSignature(read("input.xml").replace(/\r\n/g, "\n"));
      fs.writeFileSync(`xml-crypto-${key}-${number}.xml`, made.getSignedXml());
    });
  }
}

function check() {
  const names = fs.readdirSync(".").filter((name) => /^(ours|bad)-.*\.xml$/.test(name)).sort();
  for (const name of names) {
    const text = read(name);
    const found = new DOMParser().parseFromString(text, "text/xml");
    const element = found.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature")[0];
    const judge = signature({ publicCert: read(`${name.split("-")[1]}.cert.pem`) });
    let verdict = "bad";
    try {
      judge.loadSignature(element);
      verdict = judge.checkSignature(text) && judge.getSignedReferences().length === 2 ? "ok" : "bad";
    } catch (error) {
      verdict = `bad`;
      name.startsWith("ours") && console.error(String(error));
    }
    console.log(verdict, name);
  }
}

({ make, check })[process.argv[2]]();
