#ifndef ORCHESTRION_CZEROMQ_SHIM_H
#define ORCHESTRION_CZEROMQ_SHIM_H

#include <errno.h>
#include <zmq.h>

// zmq.h declares this option only for builds with the draft API, but every 4.3 library accepts it.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

// Swift does not import zmq.h's sums of macros.
static const int orchestrion_zmq_eterm = ETERM;

#endif
