import SongPlan

@testable import CoordinatorCore

// Windows that are compared, and tokens that go.
extension MockWorld {
    /// What a holder has brought of a window that is checked counts as journaled for it.
    mutating func checkRecord(_ record: Record) throws {
        switch record {
        case .claimed(let task, let epoch, let worker, let start, let new):
            try require(lease(task, epoch)?.worker == worker, "a claim of \(task) by \(worker), who has it not")
            let first = try segment(task.stream).windows[task.window].new.lowerBound
            let have = max(
                claims[epoch] ?? 0,
                streams[task.stream, default: []].count + (try segment(task.stream)).range.lowerBound - first)
            try require(start - first <= have, "a claim of \(task) has a gap")
            claims[epoch] = start - first + new.count
        case .tokensDropped(let stream, let place):
            let start = try segment(stream).range.lowerBound
            let count = streams[stream, default: []].count
            try require(place - start <= count, "\(stream) drops what it has not")
            streams[stream, default: []].removeSubrange((place - start)...)
            taint[stream] = taint[stream]?.compactMap { part in
                part.lowerBound >= place ? nil : part.lowerBound..<min(part.upperBound, place)
            }
            try require(!leases.keys.contains { $0.stream == stream }, "\(stream) drops tokens under a lease")
            if states[stream.song] == .decoding { states[stream.song] = .sampling }
        case .cutDropped(let song, let sample, let seam):
            cuts.remove([sample, seam, song.hashValue])
            let nominal = try submissions[song]!.planInputs.plan().cuts[seam]
            plans[song]?[sample].move(cut: seam, to: nominal)
        case .verdict(let machine, _): verdicts.insert(machine)
        case .verdictLifted(let machine): verdicts.remove(machine)
        case .checkBegun: checksBegun += 1
        case .checkEnded: checksEnded += 1
        case .machine, .songSubmitted, .tokens, .leaseGranted, .leaseEnded, .workerBlamed, .cut, .songState,
            .songResumed, .songNoted,
            .songRemoved:
            break
        }
    }

    /// Whether a complete stream has the model's tokens, made of such.
    func isTrue(_ stream: StreamID) throws -> Bool {
        try streams[stream] == tokens(stream, segment(stream).range) && taint[stream, default: []].isEmpty
    }
}
