package import Foundation
import Synchronization

/// What this program started and wrote, all of which is gone when it ends.
package enum Running {
    private struct State {
        var children: [Child] = []
        var folder: URL?
    }

    private static let state = Mutex(State())

    /// Lets Ctrl-C, SIGTERM and SIGHUP (unless it is ignored, as nohup does) end the children, too.
    ///
    /// The signals are not blocked and waited for: libraries have threads already, which would get them.
    package static func endOnSignals() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let mailbox = ends[0]
        slot = ends[1]
        for number in [SIGINT, SIGTERM] { signal(number, post) }
        let former = signal(SIGHUP, post)
        if unsafeBitCast(former, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(SIGHUP, SIG_IGN) }
        Thread {
            var number: UInt8 = 0
            while read(mailbox, &number, 1) != 1 {}
            // No child may start after this, so the lock is kept.
            state.withLock { state in
                clear(&state)
                _exit(128 + Int32(number))
            }
        }.start()
    }

    /// Starts a child, which `end` ends.
    static func start(_ body: () throws -> Child) throws -> Child {
        try state.withLock { state in
            state.children.removeAll { $0.ending != nil }
            let child = try body()
            state.children.append(child)
            return child
        }
    }

    /// A folder for what is needed only while this program runs.
    package static func folder() throws -> URL {
        try state.withLock { state in
            if let folder = state.folder { return folder }
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("orchestrion-measure-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            state.folder = folder
            return folder
        }
    }

    /// Ends all children and removes the folder.
    package static func end() { state.withLock { clear(&$0) } }

    private static func clear(_ state: inout State) {
        for child in state.children { child.end() }
        if let folder = state.folder { try? FileManager.default.removeItem(at: folder) }
        state = State()
    }
}

/// Where the handler of a signal, which may do next to nothing, puts its number.
nonisolated(unsafe) private var slot: Int32 = -1

private let post: @convention(c) (Int32) -> Void = { number in
    let before = errno
    var byte = UInt8(truncatingIfNeeded: number)
    if write(slot, &byte, 1) != 1 { _exit(128 + number) }
    errno = before
}
