/* OpenSSL's GOST engine as a second opinion, for tests and benchmarks.
 *
 *   make KIND SET COUNT    one key; COUNT lines: SubjectPublicKeyInfo, random digest, signature
 *   verify                 reads such lines, writes 1 or 0 for each
 *   hash NAME              reads messages, writes their digests
 *   speed-sign KIND SET N, speed-verify KIND SET N, speed-hash NAME MEGABYTES
 *                          the nanoseconds of processor time N of them took
 * Everything is hexadecimal. Signatures are s || r with the highest octet first (RFC 9215). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MUST(what) do { if (!(what)) { fprintf(stderr, "failed: %s\n", #what); exit(1); } } while (0)

static void show(const unsigned char *octets, size_t length, char end) {
    for (size_t i = 0; i < length; i++) printf("%02x", octets[i]);
    putchar(end);
}

static size_t take(const char *text, unsigned char *out, size_t room) {
    size_t length = strlen(text) / 2;
    MUST(length <= room);
    for (size_t i = 0; i < length; i++) {
        unsigned octet;
        MUST(sscanf(text + 2 * i, "%2x", &octet) == 1);
        out[i] = (unsigned char)octet;
    }
    return length;
}

static EVP_PKEY *generate(const char *kind, const char *set) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(OBJ_sn2nid(kind), NULL);
    MUST(context && EVP_PKEY_keygen_init(context) > 0);
    MUST(EVP_PKEY_CTX_ctrl_str(context, "paramset", set) > 0);
    MUST(EVP_PKEY_keygen(context, &key) > 0);
    EVP_PKEY_CTX_free(context);
    return key;
}

static size_t sign(EVP_PKEY *key, const unsigned char *digest, size_t length, unsigned char *out) {
    size_t size = 128;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    MUST(context && EVP_PKEY_sign_init(context) > 0);
    MUST(EVP_PKEY_sign(context, out, &size, digest, length) > 0);
    EVP_PKEY_CTX_free(context);
    return size;
}

static int verify(EVP_PKEY *key, const unsigned char *digest, size_t length,
                  const unsigned char *value, size_t size) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    MUST(context && EVP_PKEY_verify_init(context) > 0);
    int right = EVP_PKEY_verify(context, value, size, digest, length) == 1;
    EVP_PKEY_CTX_free(context);
    return right;
}

static EVP_PKEY *read_key(const unsigned char *octets, size_t length) {
    return d2i_PUBKEY(NULL, &octets, (long)length);
}

static long long spent(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int count, char **arguments) {
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("gost");
    MUST(engine && ENGINE_init(engine) && ENGINE_set_default(engine, ENGINE_METHOD_ALL));
    const char *what = count > 1 ? arguments[1] : "";
    static char line[1 << 16], second[1 << 10], third[1 << 10];
    static unsigned char spki[1 << 10], digest[64], value[128], message[1 << 15];
    unsigned char *out = NULL;

    if (!strcmp(what, "make") && count == 5) {
        EVP_PKEY *key = generate(arguments[2], arguments[3]);
        size_t length = (size_t)EVP_PKEY_bits(key) / 8;
        int size = i2d_PUBKEY(key, &out);
        MUST(size > 0);
        for (int i = atoi(arguments[4]); i > 0; i--) {
            MUST(RAND_bytes(digest, (int)length) == 1);
            size_t made = sign(key, digest, length, value);
            show(out, (size_t)size, ' ');
            show(digest, length, ' ');
            show(value, made, '\n');
        }
    } else if (!strcmp(what, "verify")) {
        while (scanf("%1023s %1023s %1023s", line, second, third) == 3) {
            EVP_PKEY *key = read_key(spki, take(line, spki, sizeof spki));
            size_t length = take(second, digest, sizeof digest);
            size_t size = take(third, value, sizeof value);
            puts(key && verify(key, digest, length, value, size) ? "1" : "0");
            EVP_PKEY_free(key);
        }
    } else if (!strcmp(what, "hash") && count == 3) {
        unsigned made;
        while (fgets(line, sizeof line, stdin)) {
            line[strcspn(line, "\n")] = 0;
            size_t length = take(line, message, sizeof message);
            const EVP_MD *md = EVP_get_digestbyname(arguments[2]);
            MUST(md && EVP_Digest(message, length, digest, &made, md, engine));
            show(digest, made, '\n');
        }
    } else if (!strcmp(what, "speed-hash") && count == 4) {
        size_t length = (size_t)atoi(arguments[3]) << 20;
        unsigned char *large = calloc(length, 1);
        long long start = spent();
        MUST(large && EVP_Digest(large, length, digest, NULL,
                                 EVP_get_digestbyname(arguments[2]), engine));
        printf("%lld\n", spent() - start);
    } else if (!strncmp(what, "speed-", 6) && count == 5) {
        EVP_PKEY *key = generate(arguments[2], arguments[3]);
        size_t length = (size_t)EVP_PKEY_bits(key) / 8;
        MUST(RAND_bytes(digest, (int)length) == 1);
        size_t made = sign(key, digest, length, value);
        int size = i2d_PUBKEY(key, &out);
        long long start = spent();
        for (int i = atoi(arguments[4]); i > 0; i--) {
            if (!strcmp(what, "speed-sign")) {
                sign(key, digest, length, value);
                continue;
            }
            EVP_PKEY *public = read_key(out, (size_t)size);
            MUST(verify(public, digest, length, value, made));
            EVP_PKEY_free(public);
        }
        printf("%lld\n", spent() - start);
    } else {
        fprintf(stderr, "unknown command\n");
        return 2;
    }
    return 0;
}
