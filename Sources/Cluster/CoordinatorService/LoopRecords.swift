import CoordinatorCore
import ProgramLog
import SongPlan

/// What the loop does with records once they are durable: it tells people, and lets what grew be decoded.
extension CoordinatorLoop {
    func observe(_ record: Record) {
        switch record {
        case .tokens(let stream, let start, let tokens, let origin):
            if origin != .known { count(tokens: tokens.count, of: stream.song) }
            decodeArrived(stream, from: start, tokens)
        case .leaseGranted(let task, _, let worker): remember(worker, of: task.song)
        case .songState(let song, let state): tell(song, state)
        case .songRemoved(let song):
            summaries.forget(song)
            removeFiles(of: song)
        case .songResumed(let song): tell(.songState, "song \(song) was resumed", LogFields(song: song))
        case .cut(let song, let sample, let seam, let position):
            tell(
                .cut, "song \(song) sample \(sample): cut \(seam) lies at top-level token \(position)",
                LogFields(song: song))
        case .songSubmitted, .songNoted, .machine, .checkBegun, .claimed, .cutDropped: break
        case .workerBlamed(let task, let worker, let blame, _):
            tell(
                .blame, "\(task) failed on worker \(name(of: worker)): \(blame)", LogFields(task, name(of: worker)))
        case .leaseEnded(let task, let epoch, let worker, let ending):
            tell(
                .lease, "\(task) (epoch \(epoch)) was taken back from \(name(of: worker)): \(ending)",
                LogFields(task, name(of: worker)))
        case .checkEnded(let task):
            tell(.lease, "\(task) is not compared: no other machine could sample it in time", LogFields(task))
        case .tokensDropped(let stream, let place):
            tell(
                .lease,
                "song \(stream.song) sample \(stream.sample) level \(stream.level): tokens from \(place) on are sampled again",
                LogFields(song: stream.song))
        case .verdict(let machine, let reason):
            options.log("machine \(machine) gives wrong tokens: \(reason)", .warning)
            findDoubtful(machine)
        case .verdictLifted(let machine):
            work.doubts.trust(machine)
            options.log("machine \(machine) is trusted again")
        }
    }

    private func tell(_ song: SongID, _ state: SongState) {
        let text = "song \(song) is \(state)"
        switch state {
        case .preparing, .sampling, .decoding, .finished, .cancelled:
            tell(.songState, text, LogFields(song: song))
        case .parked, .failed:
            if logBudget.mayTell(.songState) { options.log(text, .warning, LogFields(song: song)) }
        }
    }
}

extension LogFields {
    init(_ task: TaskID, _ worker: String? = nil) {
        self.init(song: task.song, worker: worker, task: "\(task)")
    }
}
