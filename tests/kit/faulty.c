/* A PKCS#11 module that hands every call to a real one, and fails on request: a file named like
 * the function in the control directory holds "code count milliseconds". REAL and CONTROL are
 * given by the compiler's command line. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long CK;
/* CK_FUNCTION_LIST of PKCS#11 2.40: the version, then 68 functions in the standard's order. */
struct list { unsigned char major, minor; void *function[68]; };
enum { GET_TOKEN_INFO = 6, OPEN_SESSION = 12, LOGIN = 18, FIND_OBJECTS = 27, SIGN = 43 };

static struct list *real, ours;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static CK fault(const char *name) {
    char path[4096];
    unsigned long code = 0, count = 0, pause = 0;
    snprintf(path, sizeof path, "%s/%s", CONTROL, name);
    pthread_mutex_lock(&guard);
    FILE *file = fopen(path, "r+");
    if (file && fscanf(file, "%lu %lu %lu", &code, &count, &pause) == 3 && count > 0) {
        rewind(file);
        fprintf(file, "%lu %lu %lu ", code, count - 1, pause);
    } else {
        code = pause = 0;
    }
    if (file) fclose(file);
    pthread_mutex_unlock(&guard);
    if (pause) usleep(pause * 1000);
    return code;
}

static CK token_info(CK slot, unsigned char *info) {
    CK answer = ((CK (*)(CK, void *))real->function[GET_TOKEN_INFO])(slot, info);
    CK flags;
    memcpy(&flags, info + 96, sizeof flags); /* after label, manufacturer, model, serial */
    flags |= fault("C_GetTokenInfo");
    memcpy(info + 96, &flags, sizeof flags);
    return answer;
}

static CK open_session(CK slot, CK flags, void *a, void *b, CK *session) {
    CK code = fault("C_OpenSession");
    return code ? code : ((CK (*)(CK, CK, void *, void *, CK *))real->function[OPEN_SESSION])(slot, flags, a, b, session);
}

static CK login(CK session, CK user, void *pin, CK length) {
    CK code = fault("C_Login");
    return code ? code : ((CK (*)(CK, CK, void *, CK))real->function[LOGIN])(session, user, pin, length);
}

static CK sign(CK session, void *data, CK length, void *value, CK *size) {
    CK code = fault("C_Sign");
    return code ? code : ((CK (*)(CK, void *, CK, void *, CK *))real->function[SIGN])(session, data, length, value, size);
}

CK C_GetFunctionList(struct list **out) {
    void *library = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
    CK (*get)(struct list **) = library ? (CK (*)(struct list **))dlsym(library, "C_GetFunctionList") : 0;
    if (!get || get(&real)) return 5; /* CKR_GENERAL_ERROR */
    ours = *real;
    ours.function[GET_TOKEN_INFO] = (void *)token_info;
    ours.function[OPEN_SESSION] = (void *)open_session;
    ours.function[LOGIN] = (void *)login;
    ours.function[SIGN] = (void *)sign;
    *out = &ours;
    return 0;
}
