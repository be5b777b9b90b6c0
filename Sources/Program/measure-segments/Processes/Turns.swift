import Foundation
import MeasurementSupport
import Synchronization

/// Lets processes run one after the other, again and again, each for its own time; the others are stopped meanwhile.
final class Turns {
    struct Turn: Sendable {
        /// nil: nobody's.
        var child: Child?
        var seconds: Double
    }

    private let turns: [Turn]
    private let isOver = Shared()
    private let ended = DispatchSemaphore(value: 0)

    private final class Shared: Sendable {
        let value = Atomic(false)
    }

    init(_ turns: [Turn]) {
        self.turns = turns
        for turn in turns { turn.child?.signal(SIGSTOP) }
        Thread { [turns, isOver, ended] in
            while !isOver.value.load(ordering: .relaxed) {
                for turn in turns {
                    turn.child?.signal(SIGCONT)
                    Thread.sleep(forTimeInterval: turn.seconds)
                    turn.child?.signal(SIGSTOP)
                }
            }
            ended.signal()
        }.start()
    }

    /// Two workers have half of the time each; of one worker's time, half is nobody's.
    convenience init(halves workers: [Child]) {
        self.init((0..<2).map { Turn(child: $0 < workers.count ? workers[$0] : nil, seconds: 0.1) })
    }

    /// Lets all of them run again.
    func end() {
        isOver.value.store(true, ordering: .relaxed)
        ended.wait()
        for turn in turns { turn.child?.signal(SIGCONT) }
    }
}
