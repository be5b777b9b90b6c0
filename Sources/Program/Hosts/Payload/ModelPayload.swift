import Checkpoint
import Foundation

/// A model as it is brought to hosts.
package struct ModelPayload: Sendable, Equatable {
    package let payload: Payload
    /// The model's own folder below the payload's: it may borrow from one beside it.
    package let name: String

    /// Weights, geometry, lists of names, and licences. What the program makes of them is made anew there.
    private static let endings = [".safetensors", ".pth.tar", ".pth", ".bin", ".json", ".txt", ".md"]
    private static let others = ["LICENSE", "LICENCE", "NOTICE"]

    /// - Parameter folder: of the model, on this machine.
    /// - Throws: `CheckpointError` when there is no model in it, `SystemError`, `HostFault`.
    package init(folder: String, notes: DigestNotes, progress: (Int) -> Void) throws {
        let model = try ModelFolder.open(folder)
        let name = URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent
        var files = try Self.names(in: folder).map {
            try notes.file("\(folder)/\($0)", as: "\(name)/\($0)", progress: progress)
        }
        if let neighbour = model.neighbour {
            let other = URL(fileURLWithPath: neighbour).lastPathComponent
            for file in try Self.names(in: neighbour) where !file.hasPrefix("prior_level_2") {
                files.append(try notes.file("\(neighbour)/\(file)", as: "\(other)/\(file)", progress: progress))
            }
        }
        (self.name, payload) = (name, Payload(files: files))
    }

    private static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter { name in
            guard !name.hasPrefix("."), endings.contains(where: name.hasSuffix) || others.contains(name) else {
                return false
            }
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }
}
