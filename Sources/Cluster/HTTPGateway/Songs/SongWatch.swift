import ClusterClient
import Foundation

/// Looks at the songs several times a second while somebody listens, and tells all listeners of what changed. However many
/// there are, the coordinator is asked once; and nothing is kept for a listener that is slow, which hears of the newest state.
actor SongWatch {
    /// A song as it was seen last.
    struct Entry: Sendable {
        /// Counts changes; a listener has heard of all up to one.
        var number: UInt64
        /// nil: it was removed.
        var progress: SongProgress?
        /// What all listeners are sent of it.
        var event: [UInt8]
    }

    /// What a listener has not heard of yet.
    struct Changes: Sendable {
        /// The oldest first.
        var list: [Entry]
        /// Of the last change, of whichever song.
        var number: UInt64
        /// Whether the one song that was asked for will not change any more.
        var hasEnded: Bool
    }

    private struct Waiter {
        /// Of the last change that it heard of.
        var heard: UInt64
        var earliest: ContinuousClock.Instant
        var latest: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    private let cluster: ClusterAccess
    private var entries: [String: Entry] = [:]
    private var number: UInt64 = 0
    private var waiting: [Int: Waiter] = [:]
    private var nextWaiter = 0
    private var isRunning = false
    private var looks = 0
    /// Tells this gateway's numbers from those of one before.
    nonisolated let epoch = String(UInt32.random(in: 1 ... .max), radix: 16)

    private static let pause = Duration.milliseconds(250)
    /// Songs that have ended and are remembered for those who listen again.
    private static let mostEnded = 1000

    init(cluster: ClusterAccess) { self.cluster = cluster }

    /// What changed after a number.
    ///
    /// - Parameter song: nil for all songs.
    func changes(after number: UInt64, of song: String?) -> Changes {
        guard let song else {
            let list = entries.values.filter { $0.number > number }.sorted { $0.number < $1.number }
            return Changes(list: list, number: self.number, hasEnded: false)
        }
        let entry = entries[song]
        return Changes(
            list: entry.map { $0.number > number ? [$0] : [] } ?? [], number: self.number,
            hasEnded: entry.map { $0.progress?.state.isEnded ?? true } ?? false)
    }

    /// A look at one song that somebody asks for by its id.
    ///
    /// - Throws: `ClientError`, `Problem`.
    func look(at song: String) async throws {
        let progress = try await cluster.ask { try $0.progress(of: song) }
        note(progress)
    }

    /// Waits until something has changed after a number, or a while. All who wait are woken by one clock: timers of their own
    /// would cost more than what they are told.
    ///
    /// - Parameter earliest: not before this, whatever changes.
    func wait(after number: UInt64, notBefore earliest: ContinuousClock.Instant, atMost time: Duration) async {
        guard self.number == number || earliest > .now else { return }
        if !isRunning {
            isRunning = true
            Task { await run() }
        }
        let waiter = nextWaiter
        nextWaiter += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume() }
                waiting[waiter] = Waiter(
                    heard: number, earliest: earliest, latest: .now + time, continuation: continuation)
            }
        } onCancel: {
            Task { await self.release(waiter) }
        }
    }

    private func release(_ waiter: Int) { waiting.removeValue(forKey: waiter)?.continuation.resume() }

    /// Looks as long as somebody waits.
    private func run() async {
        var idle = 0
        while idle < 8 {
            // A coordinator that does not answer is asked again.
            try? await look()
            looks += 1
            if looks.isMultiple(of: Self.looksBetween) { try? await lookAtEnded() }
            let now = ContinuousClock.now
            for (id, waiter) in waiting
            where (number > waiter.heard && waiter.earliest <= now) || waiter.latest <= now { release(id) }
            try? await Task.sleep(for: Self.pause)
            idle = waiting.isEmpty ? idle + 1 : 0
        }
        isRunning = false
        for waiter in waiting.keys { release(waiter) }
    }

    /// What other clients did with songs that have ended: removed them, or gave them names.
    private func lookAtEnded() async throws {
        // Others may become known while the list is asked for.
        let known = Set(entries.keys)
        var seen: Set<String> = []
        var cursor: String?
        for _ in 0..<Self.mostPages {
            let from = cursor
            let page = try await cluster.ask { try $0.songs(cursor: from, limit: 100, newestFirst: true) }
            for song in page.songs {
                seen.insert(song.song)
                if entries[song.song] != nil { note(song) }
            }
            cursor = page.next
            if cursor == nil { break }
        }
        // Of more songs nobody knows whether one has gone.
        guard cursor == nil else { return }
        for song in known.subtracting(seen) { noteRemoval(of: song) }
    }

    private static let (mostPages, looksBetween) = (20, 20)

    private func look() async throws {
        var seen: Set<String> = []
        var cursor: String?
        repeat {
            let from = cursor
            let page = try await cluster.ask { try $0.songs(cursor: from, unfinished: true) }
            for song in page.songs {
                seen.insert(song.song)
                note(song)
            }
            cursor = page.next
        } while cursor != nil
        // What is not among them any more has ended, or was removed.
        let gone = entries.filter { !($0.value.progress?.state.isEnded ?? true) && !seen.contains($0.key) }.keys
        for song in gone {
            do {
                note(try await cluster.ask { try $0.progress(of: song) })
            } catch let error as ClientError where error.kind == .notFound {
                enter(song, nil)
            }
        }
        forgetSome()
    }

    /// A song is gone.
    func noteRemoval(of song: String) {
        guard entries[song]?.progress != nil else { return }
        enter(song, nil)
        wakeAll()
    }

    /// Something has changed.
    ///
    /// - Parameter progress: nil for a song that was removed.
    private func enter(_ song: String, _ progress: SongProgress?) {
        number += 1
        var event = Array("id: \(epoch)-\(number)\nevent: \(progress == nil ? "removed" : "song")\ndata: ".utf8)
        event += progress.map { JSON.bytes(SongDocument($0)) } ?? Array("{\"song\":\"\(song)\"}".utf8)
        event += Array("\n\n".utf8)
        entries[song] = Entry(number: number, progress: progress, event: event)
    }

    private func wakeAll() {
        for waiter in Array(waiting.keys) { release(waiter) }
    }

    /// What somebody saw of a song.
    func note(_ progress: SongProgress) {
        if let known = entries[progress.song]?.progress, known.isSame(as: progress) { return }
        enter(progress.song, progress)
    }

    private func forgetSome() {
        let ended = entries.filter { $0.value.progress?.state.isEnded ?? true }
        guard ended.count > Self.mostEnded else { return }
        for (song, _) in ended.sorted(by: { $0.value.number < $1.value.number }).prefix(ended.count - Self.mostEnded) {
            entries[song] = nil
        }
    }
}

extension SongProgress {
    /// Whether nothing has happened that a listener wants to hear of: time passes of itself.
    fileprivate func isSame(as other: SongProgress) -> Bool {
        var (one, two) = (self, other)
        for keyPath in [\SongProgress.ageSeconds, \.secondsLeft, \.tokensPerSecond, \.stageSecondsLeft] {
            one[keyPath: keyPath] = 0
            two[keyPath: keyPath] = 0
        }
        return one == two
    }
}
