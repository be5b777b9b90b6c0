/// A test with a name: which faults, how close together, and what of the cluster it needs.
package struct Preset: Sendable {
    package var name: String
    package var summary: String
    package var kinds: Set<FaultKind>
    package var gap: ClosedRange<Double> = 0.5...3
    package var count: Int? = 20
    /// Seconds; nil is the usual one.
    package var lease: Double?
    package var verifyShare: Double?
    package var workers: Int?
    /// Whether the song is sampled by the undisturbed cluster first, so that times can be compared.
    package var comparesTimes = false
    /// Whether kinds that cannot be had here are left out, rather than refused.
    package var mayLeaveOut = false

    package static let all: [Preset] = [
        Preset(
            name: "kills", summary: "20 kills of workers, engines and the coordinator, at most 3 s apart",
            kinds: [.killWorker, .killEngine, .killCoordinator]),
        Preset(
            name: "all-at-once", summary: "all workers are killed at once, ten times in a row", kinds: [.killAll],
            gap: 1...3, count: 10),
        Preset(
            name: "crashing-machine", summary: "a machine that crashes whatever it gets, beside the others",
            kinds: [.crashingMachine], count: nil),
        Preset(
            name: "partitions", summary: "20 splits, both ways and one way, with the usual lease of 5 s",
            kinds: [.partition, .oneWay], gap: 2...4, lease: 5),
        Preset(
            name: "stops", summary: "20 stops of 2 to 10 leases, with leases of 0.5 s", kinds: [.stopWorker],
            lease: 0.5),
        Preset(
            name: "links", summary: "20 times a slow, reset, cut or corrupting connection",
            kinds: [.slowLink, .reset, .cut, .corrupt]),
        Preset(
            name: "straggler",
            summary: "one of four workers runs a tenth of the time; compared with an undisturbed cluster",
            kinds: [.straggler], count: nil, workers: 4, comparesTimes: true),
        Preset(
            name: "liar", summary: "one worker gives wrong tokens; a quarter of the windows is compared",
            kinds: [.lie], count: nil, verifyShare: 0.25),
        Preset(
            name: "crash-window",
            summary: "one window crashes every engine until its song is parked; then it is resumed",
            kinds: [.crashWindow], count: nil),
        Preset(
            name: "disk", summary: "20 times the disk of the state is full, or its files may not grow",
            kinds: [.diskFull, .fileLimit], gap: 3...6, mayLeaveOut: true),
        Preset(
            name: "everything", summary: "all kinds that strike at moments, in turn",
            kinds: Set(FaultKind.allCases.filter { !$0.isStanding }), count: 30, mayLeaveOut: true),
    ]
}
