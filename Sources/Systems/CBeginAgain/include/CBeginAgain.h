// A process that begins again when a page of a file that it maps is gone, rather than to be killed by it (SIGBUS).
#ifndef ORCHESTRION_CBEGINAGAIN_H
#define ORCHESTRION_CBEGINAGAIN_H

// Takes the signal from now on. It still ends the process, until `cba_begin_again` says otherwise. Who handles the signal
// later, and puts back what was there before for pages that are none of his, comes first.
void cba_watch(void);

// From now on the program begins again, with these arguments and one more variable in its environment: it takes the place of
// this process, with its number. `arguments` ends with NULL; `variable` is NAME=VALUE. Copies are kept. In the first second
// the process ends instead, so that nothing begins again without a pause.
void cba_begin_again(const char *const arguments[], const char *variable);

#endif
