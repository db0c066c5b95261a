/* libxml2 as the other opinion on canonical forms: reads documents and questions, writes answers.
 *
 * Request:  u32 document length, document, u32 number of questions, questions.
 * Question: u8 mode (0, 1, 2: C14N 1.0, exclusive, 1.1), u8 comments, then three times u32 length
 *           and text: prefixes parted by spaces, xml:id of the apex, xml:id of what is left out.
 * Answer:   u8 whether the document is taken, then for each question u32 length and octets
 *           (length 0xFFFFFFFF where there is no form).
 * Numbers are little-endian. Built and driven by differential.rs. */
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take(void *into, size_t length) {
  if (length && fread(into, 1, length, stdin) != length) exit(0);
}

static char *take_text(uint32_t *length) {
  take(length, 4);
  char *text = malloc(*length + 1);
  take(text, *length);
  text[*length] = 0;
  return text;
}

static void answer(const void *octets, uint32_t length) {
  fwrite(&length, 4, 1, stdout);
  if (octets) fwrite(octets, 1, length, stdout);
}

static void quiet(void *context, xmlErrorPtr error) { (void)context, (void)error; }

typedef struct {
  xmlNodePtr apex, excluded;
} Subset;

static xmlNodePtr with_id(xmlNodePtr node, const char *id) {
  for (; node; node = node->next) {
    if (node->type != XML_ELEMENT_NODE) continue;
    xmlChar *own = xmlGetNsProp(node, BAD_CAST "id", XML_XML_NAMESPACE);
    int same = own && strcmp((char *)own, id) == 0;
    xmlFree(own);
    if (same) return node;
    xmlNodePtr inside = with_id(node->children, id);
    if (inside) return inside;
  }
  return NULL;
}

/* For namespaces and attributes, what they belong to is `parent`. */
static int visible(void *data, xmlNodePtr node, xmlNodePtr parent) {
  Subset *subset = data;
  int inside = subset->apex == NULL;
  xmlNodePtr at = node;
  if (node && (node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE)) at = parent;
  for (; at; at = at->parent) {
    if (at == subset->excluded) return 0;
    if (at == subset->apex) inside = 1;
  }
  return inside;
}

static void form(xmlDocPtr document, int mode, int comments, char *prefixes, Subset *subset) {
  static const int modes[] = {XML_C14N_1_0, XML_C14N_EXCLUSIVE_1_0, XML_C14N_1_1};
  xmlChar *list[64];
  int count = 0;
  for (char *word = strtok(prefixes, " "); word && count < 63; word = strtok(NULL, " "))
    list[count++] = BAD_CAST word;
  list[count] = NULL;
  xmlOutputBufferPtr out = xmlAllocOutputBuffer(NULL);
  int whole = !subset->apex && !subset->excluded;
  int done = xmlC14NExecute(document, whole ? NULL : visible, subset, modes[mode],
                            mode == 1 ? list : NULL, comments, out);
  if (done < 0)
    answer(NULL, UINT32_MAX);
  else
    answer(xmlOutputBufferGetContent(out), (uint32_t)xmlOutputBufferGetSize(out));
  xmlOutputBufferClose(out);
}

/* What our reader is to take: XML 1.0 with namespaces, in UTF-8, without document type, whose
 * namespace names are absolute (C14N 1.0 refuses the others). */
static int taken(xmlParserCtxtPtr parser, xmlDocPtr document) {
  if (!document || !parser->wellFormed || !parser->nsWellFormed || document->intSubset) return 0;
  if (parser->lastError.domain == XML_FROM_NAMESPACE && parser->lastError.level >= XML_ERR_ERROR)
    return 0;
  if (document->version && strcmp((char *)document->version, "1.0")) return 0;
  if (document->encoding && xmlStrcasecmp(document->encoding, BAD_CAST "UTF-8")) return 0;
  xmlOutputBufferPtr out = xmlAllocOutputBuffer(NULL);
  int done = xmlC14NExecute(document, NULL, NULL, XML_C14N_1_0, NULL, 1, out);
  xmlOutputBufferClose(out);
  return done >= 0;
}

int main(void) {
  setvbuf(stdin, NULL, _IOFBF, 1 << 20);
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  xmlSetStructuredErrorFunc(NULL, quiet);
  for (;;) {
    uint32_t length, questions, unused;
    char *text = take_text(&length);
    take(&questions, 4);
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    xmlDocPtr document = xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL, XML_PARSE_NONET);
    uint8_t good = (uint8_t)taken(parser, document);
    fputc(good, stdout);
    for (uint32_t number = 0; number < questions; number++) {
      uint8_t head[2];
      take(head, 2);
      char *prefixes = take_text(&unused), *apex = take_text(&unused);
      char *excluded = take_text(&unused);
      Subset subset = {NULL, NULL};
      xmlNodePtr top = document ? document->children : NULL;
      if (*apex) subset.apex = with_id(top, apex);
      if (*excluded) subset.excluded = with_id(top, excluded);
      int found = (!*apex || subset.apex) && (!*excluded || subset.excluded);
      if (good && found)
        form(document, head[0], head[1], prefixes, &subset);
      else
        answer(NULL, UINT32_MAX);
      free(prefixes), free(apex), free(excluded);
    }
    fflush(stdout);
    xmlFreeDoc(document);
    xmlFreeParserCtxt(parser);
    free(text);
  }
}
