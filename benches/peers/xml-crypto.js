// Verifications per second of processor time with xml-crypto. usage: FILE SIGNER.PEM
const fs = require("fs");
const { SignedXml } = require("xml-crypto");
const { DOMParser } = require("@xmldom/xmldom");

const text = fs.readFileSync(process.argv[2], "utf8");
const publicCert = fs.readFileSync(process.argv[3], "utf8");

function verify() {
  const document = new DOMParser().parseFromString(text, "text/xml");
  const signature = document.getElementsByTagNameNS(
    "http://www.w3.org/2000/09/xmldsig#", "Signature")[0];
  const signed = new SignedXml({ publicCert });
  signed.loadSignature(signature);
  if (!signed.checkSignature(text)) throw new Error("not verified");
}

const seconds = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
verify();
const began = seconds();
let done = 0, took;
do { verify(); done++; took = seconds() - began; } while (took < 1.0);
console.log((done / took).toFixed(1));
