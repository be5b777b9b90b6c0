import Foundation
import Synchronization

/// What this program started and wrote, all of which is gone when it ends.
enum Running {
    private struct State {
        var children: [Child] = []
        var folder: URL?
    }

    private static let state = Mutex(State())

    /// Lets Ctrl-C, SIGTERM and SIGHUP (unless it is ignored, as nohup does) end the children, too. To be called before
    /// there are threads.
    static func endOnSignals() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM] { sigaddset(&signals, signal) }
        let former = signal(SIGHUP, SIG_IGN)
        if unsafeBitCast(former, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) {
            signal(SIGHUP, SIG_DFL)
            sigaddset(&signals, SIGHUP)
        }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let awaited = signals
        Thread {
            var (awaited, number) = (awaited, Int32(0))
            while sigwait(&awaited, &number) != 0 {}
            // No child may start after this, so the lock is kept.
            state.withLock { state in
                clear(&state)
                _exit(128 + number)
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
    static func folder() throws -> URL {
        try state.withLock { state in
            if let folder = state.folder { return folder }
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("measure-segments-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            state.folder = folder
            return folder
        }
    }

    /// Ends all children and removes the folder.
    static func end() { state.withLock { clear(&$0) } }

    private static func clear(_ state: inout State) {
        for child in state.children { child.end() }
        if let folder = state.folder { try? FileManager.default.removeItem(at: folder) }
        state = State()
    }
}
