import ClusterClient
import Foundation
import SongFiles

/// Shows how far files are that are sent or fetched, when that takes more than a moment.
final class TransferLine {
    private var line: (name: String, progress: ProgressLine)?

    func show(_ transfer: FileTransfer) {
        let verb =
            switch transfer.direction {
            case .sending: "sending"
            case .fetching: "fetching"
            }
        let name = "\(verb) \(transfer.name)"
        var progress =
            line.flatMap { $0.name == name ? $0.progress : nil } ?? ProgressLine(name, total: transfer.total)
        if transfer.isComplete {
            progress.finish()
            line = nil
        } else {
            if transfer.done > 0 { progress.update(transfer.done) }
            line = (name, progress)
        }
    }
}

/// What clients do, with what a person sees of it.
extension ClusterClient {
    /// - Returns: tokens that will be sampled.
    func submitShown(
        _ request: SongRequest, song: String, uploads: Bool = true, priority: Int = 0
    ) throws -> Int {
        let line = TransferLine()
        let submitted = try submit(
            request, song: song, uploads: uploads, priority: priority, progress: line.show)
        for warning in submitted.warnings { Terminal.note("warning: \(warning)") }
        return submitted.tokens
    }

    func fetchShown(
        song: String, into folder: URL, isWanted: (String) -> Bool = { _ in true }
    ) throws -> [String] {
        try fetch(song: song, into: folder, isWanted: isWanted, progress: TransferLine().show)
    }
}
