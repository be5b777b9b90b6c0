import Foundation
package import TestSupport

/// A folder as it may be after a power cut: what was synced is there; of what was not, any part, in any order, torn at
/// sectors.
///
/// Names (made, renamed, removed) are durable when their folder was synced. Until then those of a folder may be missing from
/// some place on. That is stricter than the usual file systems are: there, a synced file has its name, too.
package struct PowerCuts {
    /// What becomes of changes that were not synced.
    package enum Loss: Int, Sendable, CaseIterable {
        /// All are lost.
        case all
        /// Those after some place are lost, and the last of the others is torn.
        case end
        /// Any of them are lost.
        case some
        /// Any sectors of them are lost.
        case sectors
        /// None is lost: the process alone ended.
        case none
    }

    private final class File {
        var durable: [UInt8] = []
        var pending: [Change] = []
    }

    private enum Change {
        case write(Int, [UInt8])
        case size(Int)
    }

    private enum Naming {
        case made(String, File)
        case folder(String)
        case renamed(String, String)
        case removed(String)
    }

    /// Bytes that a disk writes whole or not at all.
    private static let sector = 512
    private let root: String
    /// Files that are open or have a name, by the system's number.
    private var files: [UInt64: File] = [:]
    /// As processes see it.
    private var names: [String: File] = [:]
    private var folders: Set<String>
    private var durableNames: [String: File] = [:]
    private var durableFolders: Set<String>
    /// By folder, in their order.
    private var namings: [String: [Naming]] = [:]

    /// - Parameter root: the shim's folder, which was empty at the log's begin.
    package init(root: String) {
        self.root = root
        (folders, durableFolders) = ([root], [root])
    }

    /// The next entry of the log.
    package mutating func add(_ entry: WriteLog.Entry) {
        guard entry.succeeded else { return }
        switch entry.operation {
        case .open:
            if entry.offset == 1 {
                let file = File()
                (files[entry.inode], names[entry.path]) = (file, file)
                note(.made(entry.path, file), at: entry.path)
            } else if entry.offset == 2 {
                files[entry.inode]?.pending.append(.size(0))
            }
        case .write: files[entry.inode]?.pending.append(.write(entry.offset, entry.data))
        case .truncate: files[entry.inode]?.pending.append(.size(entry.offset))
        case .sync:
            if folders.contains(entry.path) {
                for naming in namings.removeValue(forKey: entry.path) ?? [] {
                    Self.apply(naming, &durableNames, &durableFolders)
                }
            } else if let file = files[entry.inode] {
                file.durable = Self.content(file, file.pending)
                file.pending = []
            }
        case .rename:
            Self.apply(.renamed(entry.path, entry.target), &names, &folders)
            note(.renamed(entry.path, entry.target), at: entry.target)
        case .unlink, .removeFolder:
            Self.apply(.removed(entry.path), &names, &folders)
            note(.removed(entry.path), at: entry.path)
        case .makeFolder:
            Self.apply(.folder(entry.path), &names, &folders)
            note(.folder(entry.path), at: entry.path)
        case .close, .read, .mark: break
        }
    }

    private mutating func note(_ naming: Naming, at path: String) {
        namings[Self.parent(path), default: []].append(naming)
    }

    private static func parent(_ path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private static func apply(_ naming: Naming, _ names: inout [String: File], _ folders: inout Set<String>) {
        switch naming {
        case .made(let path, let file): names[path] = file
        case .folder(let path): folders.insert(path)
        case .removed(let path):
            names[path] = nil
            folders.remove(path)
        case .renamed(let from, let to):
            if let file = names.removeValue(forKey: from) { names[to] = file }
            guard folders.remove(from) != nil else { return }
            folders.insert(to)
            for name in names.keys.filter({ $0.hasPrefix(from + "/") }) {
                names[to + name.dropFirst(from.count)] = names.removeValue(forKey: name)
            }
            for name in folders.filter({ $0.hasPrefix(from + "/") }) {
                folders.remove(name)
                folders.insert(to + name.dropFirst(from.count))
            }
        }
    }

    /// Whether something would be lost now.
    package var hasUnsynced: Bool { !namings.isEmpty || names.values.contains { !$0.pending.isEmpty } }

    // MARK: images

    /// Writes the folder as it may be now into another.
    package func write(to target: String, losing loss: Loss, _ dice: inout Dice) throws {
        var (names, folders) = (durableNames, durableFolders)
        for (_, pending) in namings.sorted(by: { $0.key < $1.key }) {
            let some = Int.random(in: 0...pending.count, using: &dice)
            let kept = loss == .none ? pending.count : loss == .all ? 0 : some
            for naming in pending.prefix(kept) { Self.apply(naming, &names, &folders) }
        }
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for folder in folders.sorted() where folder != root {
            try FileManager.default.createDirectory(
                atPath: target + folder.dropFirst(root.count), withIntermediateDirectories: true)
        }
        // Two names may be of one file.
        for (path, file) in names.sorted(by: { $0.key < $1.key }) {
            guard folders.contains(Self.parent(path)) else { continue }
            let bytes = Self.content(file, Self.kept(file.pending, loss, &dice))
            try Data(bytes).write(to: URL(fileURLWithPath: target + path.dropFirst(root.count)))
        }
    }

    private static func kept(_ pending: [Change], _ loss: Loss, _ dice: inout Dice) -> [Change] {
        switch loss {
        case .all: return []
        case .none: return pending
        case .end:
            guard !pending.isEmpty else { return [] }
            let kept = Int.random(in: 0..<pending.count, using: &dice)
            var changes = Array(pending.prefix(kept))
            if case .write(let place, let bytes) = pending[kept] {
                let whole = Int.random(in: 0...bytes.count / sector, using: &dice) * sector
                changes.append(.write(place, Array(bytes.prefix(whole))))
            }
            return changes
        case .some: return pending.filter { _ in Bool.random(using: &dice) }
        case .sectors: return pending.flatMap { sectors($0, &dice) }
        }
    }

    private static func sectors(_ change: Change, _ dice: inout Dice) -> [Change] {
        guard case .write(let place, let bytes) = change else { return Bool.random(using: &dice) ? [change] : [] }
        var kept: [Change] = []
        var start = 0
        while start < bytes.count {
            // Sectors of the file, and not of the write.
            let end = min(bytes.count, ((place + start) / sector + 1) * sector - place)
            if Bool.random(using: &dice) { kept.append(.write(place + start, Array(bytes[start..<end]))) }
            start = end
        }
        return kept
    }

    private static func content(_ file: File, _ changes: [Change]) -> [UInt8] {
        var bytes = file.durable
        for change in changes {
            switch change {
            case .size(let size):
                if size < bytes.count {
                    bytes.removeLast(bytes.count - size)
                } else {
                    bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
                }
            case .write(let place, let written):
                if written.isEmpty { continue }
                let end = place + written.count
                if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
                bytes.replaceSubrange(place..<end, with: written)
            }
        }
        return bytes
    }
}
