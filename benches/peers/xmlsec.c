/* Verifications per second of processor time with libxmlsec1: parsing, digests and value, with a
 * key given once. usage: xmlsec FILE SIGNER.PEM */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void need(int holds, const char *what) {
  if (!holds) fprintf(stderr, "%s\n", what), exit(1);
}

static void verify(const char *text, int length, xmlSecKeyPtr key) {
  xmlDocPtr document = xmlReadMemory(text, length, NULL, NULL, XML_PARSE_HUGE);
  need(document != NULL, "no document");
  xmlNodePtr root = xmlDocGetRootElement(document);
  xmlNodePtr signature = xmlSecFindNode(root, xmlSecNodeSignature, xmlSecDSigNs);
  xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
  context->signKey = xmlSecKeyDuplicate(key);
  need(xmlSecDSigCtxVerify(context, signature) >= 0, "no verification");
  need(context->status == xmlSecDSigStatusSucceeded, "not verified");
  xmlSecDSigCtxDestroy(context);
  xmlFreeDoc(document);
}

int main(int count, char **arguments) {
  need(count == 3, "usage: xmlsec FILE SIGNER.PEM");
  xmlInitParser();
  need(xmlSecInit() >= 0 && xmlSecCryptoAppInit(NULL) >= 0 && xmlSecCryptoInit() >= 0, "no xmlsec");
  xmlSecKeyPtr key =
      xmlSecCryptoAppKeyLoad(arguments[2], xmlSecKeyDataFormatCertPem, NULL, NULL, NULL);
  need(key != NULL, "no key");
  FILE *file = fopen(arguments[1], "rb");
  need(file != NULL, "no file");
  char *text = malloc(64 << 20);
  int length = (int)fread(text, 1, 64 << 20, file);
  verify(text, length, key);
  double began = now(), took;
  int done = 0;
  do {
    verify(text, length, key);
    done++;
    took = now() - began;
  } while (took < 1.0);
  printf("%.1f\n", done / took);
}
