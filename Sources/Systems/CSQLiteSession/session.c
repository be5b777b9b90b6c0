#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>
#include <stddef.h>

#include "CSQLiteSession.h"

void *csqlite_session_begin(void *connection) {
    sqlite3_session *session = NULL;
    if (sqlite3session_create(connection, "main", &session) != SQLITE_OK) return NULL;
    if (sqlite3session_attach(session, NULL) != SQLITE_OK) {
        sqlite3session_delete(session);
        return NULL;
    }
    return session;
}

int csqlite_session_patch(void *session, int *count, void **bytes) {
    *count = 0;
    *bytes = NULL;
    return sqlite3session_patchset(session, count, bytes);
}

void csqlite_session_free(void *bytes) { sqlite3_free(bytes); }

void csqlite_session_end(void *session) { sqlite3session_delete(session); }

static int conflict(void *is_repeated, int kind, sqlite3_changeset_iter *change) {
    (void)change;
    if (!is_repeated) return SQLITE_CHANGESET_ABORT;
    switch (kind) {
    case SQLITE_CHANGESET_DATA:
    case SQLITE_CHANGESET_CONFLICT: return SQLITE_CHANGESET_REPLACE;
    case SQLITE_CHANGESET_NOTFOUND: return SQLITE_CHANGESET_OMIT;
    default: return SQLITE_CHANGESET_ABORT;
    }
}

int csqlite_session_apply(void *connection, int count, void *bytes, int is_repeated) {
    return sqlite3changeset_apply(connection, count, bytes, NULL, conflict, is_repeated ? connection : NULL);
}
