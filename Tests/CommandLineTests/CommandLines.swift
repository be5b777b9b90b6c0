import TestSupport
import Testing

/// The program as people meet it: spawned, with its output, errors and exit codes.
@Suite(.serialized, .timeLimit(.minutes(10))) struct CommandLines {}
