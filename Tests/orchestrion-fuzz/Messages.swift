import ArgumentParser
import ClusterTestSupport

/// A song over messages that are treated badly.
struct Messages: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Sample a song while messages are dropped, doubled, overtaken and changed; its codes must be the same.",
        discussion: "A real coordinator and real workers in one process. Exits with 1 when a code differs.")

    @Option(help: "How many messages must have been treated; the song is sampled as often as that takes.")
    var messages = 1_000_000

    @Option(help: "The share of messages for each of the four faults, 0 to 0.5.")
    var share = 0.1

    @Option(help: "Workers.")
    var workers = 8

    @Option(help: "What the dice begin with.")
    var seed: UInt64 = 1

    func validate() throws {
        guard messages > 0, workers > 0, (0...0.5).contains(share) else {
            throw ValidationError("Counts are above 0, and the share is 0 to 0.5.")
        }
    }

    func run() throws {
        let faults = MessageFaults(drop: share, duplicate: share, reorder: share, flip: share)
        let song = try LossySong(faults: faults, workers: workers)
        let progress = Progress(total: messages, of: "messages")
        let start = ContinuousClock.now
        let runs = try song.run(seed: seed, messages: messages) { progress.show($0) }
        let counts = song.ledger.counts
        print(
            "\(counts.messages) messages: \(counts.dropped) dropped, \(counts.duplicated) doubled, \(counts.reordered) "
                + "overtaken, \(counts.flipped) changed; \(runs) songs, all with the same codes, in \(Int(start.seconds)) s"
        )
    }
}
