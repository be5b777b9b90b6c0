import Foundation
import Glibc
import Synchronization

/// What goes to standard error. Where that cannot be written, because its disk is full or nobody reads it, the words
/// are lost and the program goes on.
package enum StandardError {
    private struct Queue {
        var text: [String] = []
        var bytes = 0
        var lost = 0
        var isWriting = false
    }

    private static let queue = Mutex<Queue?>(nil)
    private static let signal = DispatchSemaphore(value: 0)
    /// Bytes that may wait for a reader.
    private static let most = 1 << 20

    package static func write(_ text: String) {
        let isQueued = queue.withLock { queue in
            guard var own = queue else { return false }
            queue = nil
            if own.bytes + text.utf8.count <= most {
                own.text.append(text)
                own.bytes += text.utf8.count
            } else {
                own.lost += 1
            }
            queue = own
            return true
        }
        if isQueued { signal.signal() } else { writeNow(text) }
    }

    /// From now on nobody waits until what is said is written: whoever reads it may be slow, or have stopped reading.
    package static func neverWait() {
        let isFirst = queue.withLock { queue in
            defer { queue = queue ?? Queue() }
            return queue == nil
        }
        guard isFirst else { return }
        atexit { StandardError.flush() }
        let thread = Thread { writeQueued() }
        thread.name = "log"
        thread.start()
    }

    /// Waits a moment for what is still to be written.
    package static func flush() {
        let deadline = ContinuousClock.now + .seconds(1)
        while queue.withLock({ $0.map { !$0.text.isEmpty || $0.isWriting } ?? false }), ContinuousClock.now < deadline {
            usleep(2000)
        }
    }

    private static func writeQueued() {
        while true {
            let (text, lost) = queue.withLock { queue -> ([String], Int) in
                defer { queue = Queue(isWriting: true) }
                return (queue?.text ?? [], queue?.lost ?? 0)
            }
            for line in text { writeNow(line) }
            if lost > 0 { tell(lost) }
            let isEmpty = queue.withLock { queue in
                queue?.isWriting = false
                return queue?.text.isEmpty ?? true
            }
            if isEmpty { signal.wait() }
        }
    }

    /// What is said of lines that were lost.
    package static func lossNote(_ count: Int) -> String { "\(count) lines were lost here, because nobody read them" }

    /// - Parameter note: says that so many lines were lost, where they are not plain text; nil is as text.
    package static func setLossNote(_ note: (@Sendable (Int) -> Void)?) { lossTeller.withLock { $0 = note } }

    private static let lossTeller = Mutex<(@Sendable (Int) -> Void)?>(nil)

    private static func tell(_ lost: Int) {
        if let note = lossTeller.withLock({ $0 }) { note(lost) } else { writeNow(lossNote(lost) + "\n") }
    }

    private static func writeNow(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(STDERR_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
