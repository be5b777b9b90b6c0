import CoordinatorCore
import Foundation
import ProgramLog
import SongFiles
import SongPlan
import Synchronization
import SystemErrors

/// Finished songs with tokens of machines that were found to give wrong ones, where no other machine compared them. A
/// finished song's folder has the names of all machines that nobody compared. Any thread.
final class DoubtfulSongs: Sendable {
    private let table = Mutex<[SongID: Set<MachineID>]>([:])

    /// - Throws: `SystemError`.
    static func write(_ machines: [MachineID], _ layout: SongFolderLayout) throws {
        try OutputFolder.make(layout.folder.path)
        try OutputFile.replace(layout.unwitnessed.path, with: Data(machines.joined(separator: "\n").utf8))
    }

    private static func read(_ layout: SongFolderLayout) -> Set<MachineID> {
        let text = (try? String(contentsOf: layout.unwitnessed, encoding: .utf8)) ?? ""
        return Set(text.split(separator: "\n").map(String.init))
    }

    /// - Returns: those of the songs that have tokens of the machine.
    func find(_ machine: MachineID, among songs: [(id: SongID, layout: SongFolderLayout)]) -> [SongID] {
        let found = songs.filter { Self.read($0.layout).contains(machine) }.map(\.id)
        table.withLock { table in for song in found { table[song, default: []].insert(machine) } }
        return found
    }

    func trust(_ machine: MachineID) {
        table.withLock { table in table = table.mapValues { $0.subtracting([machine]) }.filter { !$0.value.isEmpty } }
    }

    func forget(_ song: SongID) { table.withLock { $0[song] = nil } }

    var songs: [SongID] { table.withLock { $0.keys.sorted() } }

    /// What to know and to do about a song; nil when nothing.
    func text(of song: SongID) -> String? {
        guard let machines = table.withLock({ $0[song] })?.sorted() else { return nil }
        let name = machines.count == 1 ? "machine \(machines[0])" : "machines \(machines.joined(separator: ", "))"
        return
            "it has tokens of \(name), which nobody compared and which may be wrong; to be sure, submit the song again "
            + "under another id"
    }
}

extension CoordinatorLoop {
    private static let doubt = Troubles.Place.coordinator(part: "finished songs")

    /// A machine gives wrong tokens: songs that were finished with such are looked for.
    func findDoubtful(_ machine: MachineID) {
        let songs = core.songIDs.filter { core.state(of: $0) == .finished }.map { ($0, layout(of: $0)) }
        guard !songs.isEmpty else { return }
        work.add(.upkeep) { [work, options] in
            let found = work.doubts.find(machine, among: songs)
            for song in found.prefix(100) {
                options.log(
                    "finished song \(song): \(work.doubts.text(of: song) ?? "")", .warning, LogFields(song: song))
            }
        }
    }

    /// Without their names: others may not know of them.
    func tellOfDoubts() {
        for song in work.doubts.songs where core.state(of: song) != .finished { work.doubts.forget(song) }
        let count = work.doubts.songs.count
        guard count != toldDoubts else { return }
        toldDoubts = count
        guard count > 0 else { return troubles.clear(Self.doubt) }
        troubles.set(
            Self.doubt,
            "\(count == 1 ? "1 finished song has" : "\(count) finished songs have") tokens of a machine that gives wrong ones, "
                + "which nobody compared: the list of songs says which")
    }
}
