import Checkpoint
import Foundation
import JukeboxModel
import SongPlan
import SystemErrors

/// Brings a model into a folder, and checks it.
package struct ModelFetch {
    package struct File: Sendable, Encodable, Equatable {
        package var name: String
        package var bytes: Int
        /// Whether it was there already.
        package var wasThere: Bool
    }

    /// What is about to happen.
    package struct Survey: Sendable {
        /// Files that are not there yet.
        package let missing: [String]
        /// Their bytes, without those that an earlier fetch brought; nil where a server does not say.
        package let bytes: Int?
    }

    package let plan: FetchPlan
    package let folder: String
    private let client: WebClient

    /// - Parameter folder: is made when it is not there.
    package init(_ plan: FetchPlan, into folder: String, client: WebClient) {
        (self.plan, self.folder, self.client) = (plan, folder, client)
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func size(_ name: String) -> Int? {
        var status = stat()
        return stat(path(name), &status) == 0 ? Int(status.st_size) : nil
    }

    private var missing: [RemoteFile] { plan.files.filter { size($0.name) == nil } }

    /// Asks for the lengths of the files that are not there, so that one which cannot be had is told before a large one is
    /// fetched, and looks whether the disk has room.
    ///
    /// - Throws: `FetchError`.
    package func survey() throws -> Survey {
        var sum: Int? = 0
        for file in missing {
            var bytes = file.bytes
            if bytes == nil {
                let found = try client.survey(file.address)
                guard found.isThere else { throw FetchError("\(file.name): there is no file \(file.address)") }
                bytes = found.bytes
            }
            let part = PartFile(target: path(file.name))
            let kept = part.resumable(file.address) == nil ? 0 : part.size
            if let before = sum, let bytes { sum = before + max(0, bytes - kept) } else { sum = nil }
        }
        let place = Self.existing(above: folder)
        if let sum, let free = DiskSpace.of(place)?.free, sum > free {
            throw FetchError(
                "\(plan.name) needs \(sum) bytes, and \(place) has room for \(free): make room, or choose another folder"
            )
        }
        return Survey(missing: missing.map(\.name), bytes: sum)
    }

    private static func existing(above path: String) -> String {
        var place = URL(fileURLWithPath: path)
        while !FileManager.default.fileExists(atPath: place.path), place.path != "/" {
            place = place.deletingLastPathComponent()
        }
        return place.path
    }

    /// Brings what is missing. What is there stays as it is; `check` looks at it.
    ///
    /// - Parameter progress: told with the bytes that this fetch brought.
    /// - Throws: `FetchError`, `SystemError`.
    package func run(progress: @escaping (Int) -> Void) throws -> [File] {
        try OutputFolder.make(folder)
        let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw SystemError(folder) }
        defer { close(lock) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw FetchError("another fetch works in \(folder): wait for it, or choose another folder")
        }
        let wanted = missing
        var brought = 0
        for file in wanted {
            let part = PartFile(target: path(file.name))
            var before = part.resumable(file.address) == nil ? 0 : part.size
            try Transfer(file: file, part: part, client: client) { size in
                // Less than before when it was begun again.
                brought += max(0, size - before)
                before = size
                progress(brought)
            }.run()
        }
        if let geometry = plan.geometry, size("hparams.json") == nil {
            try OutputFile.replace(path("hparams.json"), with: [UInt8](geometry))
        }
        if let licence = plan.licence, size("LICENSE") == nil { try OutputFile.replace(path("LICENSE"), with: licence) }
        return plan.files.map { file in
            File(name: file.name, bytes: size(file.name) ?? 0, wasThere: !wanted.contains(file))
        }
    }

    /// Compares all that is known with what is there: lengths, digests, every tensor's name, type and shape with the
    /// geometry, and every number, of which none may be a NaN or infinity.
    ///
    /// - Parameters:
    ///   - fresh: files whose digests were looked at just now.
    ///   - progress: told with the parts that were read, and how many there are.
    /// - Throws: `FetchError` that names the file to remove.
    package func check(fresh: Set<String>, progress: (Int, Int) -> Void) throws {
        for file in plan.files {
            if let said = file.bytes, let found = size(file.name), found != said {
                throw FetchError("\(path(file.name)) has \(found) bytes, and should have \(said)\(Self.remedy)")
            }
            if let said = file.sha256, !fresh.contains(file.name), try Transfer.sha256(path(file.name)) != said {
                throw FetchError("\(path(file.name)) is not the file that \(plan.name) has\(Self.remedy)")
            }
        }
        do {
            let model = try Model(path: folder)
            let parts = [ModelPart.vqvae] + model.geometry.levels.indices.map { .prior(level: $0) }
            // Names and shapes of all take a moment, so they come before the numbers of any.
            for part in parts { _ = try model.weights(of: part) }
            for (place, part) in parts.enumerated() {
                progress(place, parts.count)
                try model.weights(of: part).checkFinite()
            }
            progress(parts.count, parts.count)
        } catch {
            throw FetchError("\(error.explanation)\(Self.remedy)")
        }
    }

    private static let remedy = "; remove that file, and give the same command again"
}
