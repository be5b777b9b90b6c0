// SQLite's session extension (https://sqlite.org/sessionintro.html), which records what changes in a database, as bytes that
// make the same change in a copy of it. Its declarations are hidden unless a macro is set, which Swift cannot set.
#ifndef ORCHESTRION_CSQLITESESSION_H
#define ORCHESTRION_CSQLITESESSION_H

// Begins to record changes of all tables of a connection; NULL when it cannot. Calls must not overlap with others of the
// connection, as all of these.
void *csqlite_session_begin(void *connection);

// What has changed since it began, each row once: a patch of *count bytes at *bytes, to be freed by csqlite_session_free.
// Returns a code of SQLite's.
int csqlite_session_patch(void *session, int *count, void **bytes);

void csqlite_session_free(void *bytes);

// Before its connection is closed.
void csqlite_session_end(void *session);

// Makes the changes of a patch in another database, all or none. With is_repeated, some of them may be there already.
// Returns a code of SQLite's: SQLITE_ABORT where the database is not what the patch was made for.
int csqlite_session_apply(void *connection, int count, void *bytes, int is_repeated);

#endif
