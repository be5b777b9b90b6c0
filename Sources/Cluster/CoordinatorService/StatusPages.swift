import ClusterProtocol
import CoordinatorCore
import SongFiles
import SongPlan
import StateCopy

/// Where an answer in several messages goes on.
enum StatusCursor: Hashable {
    /// After the song of this number, which had this id: others may have gone meanwhile.
    case songs(after: Int, SongID)
    /// Before it.
    case newest(before: Int, SongID)
    /// After this worker, in the order of their ids; all of them after none.
    case workers(after: WorkerID?)

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 3, parts[0] == "songs", let number = Int(parts[1]), number >= 0 {
            self = .songs(after: number, parts[2])
        } else if parts.count == 3, parts[0] == "newest", let number = Int(parts[1]), number >= 0 {
            self = .newest(before: number, parts[2])
        } else if parts[0] == "workers", parts.count > 1 {
            self = .workers(after: parts.dropFirst().joined(separator: " "))
        } else {
            return nil
        }
    }

    var text: String {
        switch self {
        case .songs(let number, let song): "songs \(number) \(song)"
        case .newest(let number, let song): "newest \(number) \(song)"
        case .workers(let id): "workers \(id ?? "")"
        }
    }
}

/// `status`, in as many messages as it takes.
extension CoordinatorLoop {
    /// What a message has for songs and workers; the rest is for what else a status has.
    private static let room = 40_000
    /// What one message shows to a client that does not know of pages.
    private static let (songsAtOnce, workersAtOnce) = (100, 200)
    /// Few enough for one reply.
    private static let refusalsShown = 8
    private static let setAsidesShown = 20

    /// - Parameter cursor: nil for a client that takes one message for all.
    func status(
        _ song: SongID?, cursor: String?, _ selection: StatusSelection, of asker: Asker
    ) throws -> StatusReport {
        guard let cursor else { return try statusAtOnce(song, of: asker) }
        var report = beginning(of: asker, isFirst: cursor.isEmpty && !selection.onlySongs)
        var room = Self.room
        switch StatusCursor(cursor) {
        case nil:
            guard cursor.isEmpty else { throw SongError("the status does not go on there; ask again") }
            guard let song else {
                if selection.noSongs { break }
                addSongs(after: nil, selection, to: &report, of: asker, &room)
                break
            }
            report.songs = [self.report(try existing(song, of: asker))]
            room -= report.songs[0].wireSize
        case .songs(let number, let id)?, .newest(let number, let id)?:
            addSongs(after: (number, id), selection, to: &report, of: asker, &room)
        case .workers(let id)?: addWorkers(after: id, to: &report, &room)
        }
        if report.next == nil, !selection.onlySongs, !cursor.hasPrefix("workers") {
            addWorkers(after: nil, to: &report, &room)
        }
        return report
    }

    /// - Parameter place: the song that was shown last, and the number that it had.
    private func addSongs(
        after place: (number: Int, id: SongID)?, _ selection: StatusSelection, to report: inout StatusReport,
        of asker: Asker, _ room: inout Int
    ) {
        let ids = core.songIDs
        var numbers = ids.indices[...]
        if let (number, id) = place {
            let isThere = ids.indices.contains(number) && ids[number] == id
            let shown = (isThere ? number : ids.firstIndex(of: id)) ?? min(number, ids.count) - 1
            // One that has gone meanwhile has left its number to the one after it.
            let isGone = !ids.indices.contains(shown) || ids[shown] != id
            numbers =
                selection.newestFirst
                ? numbers.prefix(max(0, isGone ? shown + 1 : shown))
                : numbers.dropFirst(max(0, shown + 1))
        }
        var last: Int?
        for number in selection.newestFirst ? AnySequence(numbers.reversed()) : AnySequence(numbers) {
            let id = ids[number]
            guard core.submission(of: id).map(asker.mayUse) ?? false,
                !selection.unfinished || core.state(of: id).map({ !$0.isEnded }) ?? false,
                let status = core.status(of: id)
            else { continue }
            let song = self.report(status)
            room -= song.wireSize
            if room < 0 || report.songs.count >= selection.limit ?? .max, let last {
                let cursor =
                    selection.newestFirst
                    ? StatusCursor.newest(before: last, ids[last]) : .songs(after: last, ids[last])
                report.next = cursor.text
                return
            }
            report.songs.append(song)
            last = number
        }
    }

    private func addWorkers(after id: WorkerID?, to report: inout StatusReport, _ room: inout Int) {
        let now = clock.now
        for status in core.workerStatuses where status.isConnected && status.worker > id ?? "" {
            let worker = self.report(status, now)
            room -= worker.wireSize
            if room < 0, report.songs.count + report.workers.count > 0 {
                report.next = StatusCursor.workers(after: report.workers.last?.status.worker ?? id).text
                return
            }
            report.workers.append(worker)
        }
    }

    private func report(_ worker: WorkerStatus, _ now: Instant) -> StatusReport.Worker {
        StatusReport.Worker(
            status: worker, silentSeconds: max(0, (now - worker.lastHeard) / .seconds(1)),
            figures: figures.latest(of: worker.worker))
    }

    /// Without songs and workers.
    private func beginning(of asker: Asker, isFirst: Bool) -> StatusReport {
        var report = StatusReport(
            songs: [], workers: [], refusals: [], troubles: isFirst ? troubles.ofCoordinator : [],
            uptimeSeconds: clock.seconds)
        report.connections = connections
        // Where it is tells of the operator's machines.
        if asker.isAdmin, isFirst { report.copy = copier?.status }
        let now = clock.now
        report.setAsides =
            !isFirst
            ? []
            : core.setAsides.prefix(Self.setAsidesShown).map {
                StatusReport.SetAside(
                    status: $0, secondsSince: max(0, (now - $0.since) / .seconds(1)),
                    secondsLeft: $0.until.map { max(0.1, ($0 - now) / .seconds(1)) } ?? 0)
            }
        guard asker.isAdmin, isFirst else { return report }
        report.refusals = refusals.entries.prefix(Self.refusalsShown).map {
            StatusReport.Refusal(entry: $0, secondsAgo: max(0, clock.seconds - $0.last))
        }
        return report
    }

    /// The newest songs and some workers, and how many are not shown.
    private func statusAtOnce(_ song: SongID?, of asker: Asker) throws -> StatusReport {
        var report = beginning(of: asker, isFirst: true)
        let ids = core.songIDs.filter { core.submission(of: $0).map(asker.mayUse) ?? false }
        let shown = try song.map { [try existing($0, of: asker)] }
        report.songs = (shown ?? ids.suffix(Self.songsAtOnce).compactMap(core.status)).map(self.report)
        let now = clock.now
        let workers = core.workerStatuses.filter(\.isConnected)
        report.workers = workers.prefix(Self.workersAtOnce).map { self.report($0, now) }
        report.all = (song == nil ? ids.count : report.songs.count, workers.count)
        return report
    }
}
