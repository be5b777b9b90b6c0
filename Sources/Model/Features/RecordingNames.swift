import Foundation

/// A recording to take features of, and what its files are called.
package struct NamedRecording: Sendable, Hashable {
    package let path: String
    /// Relative to the output folder, without an extension.
    package let name: String
}

/// Finds recordings in files and folders.
package enum RecordingNames {
    /// Extensions of what is taken from folders; files that are named may have any.
    package static let extensions: Set<String> = [
        "wav", "flac", "ogg", "oga", "opus", "mp3", "aiff", "aif", "aifc", "au", "snd", "caf", "w64", "rf64",
    ]

    /// All recordings, in the order of the arguments and sorted within folders, each with a name of its own: its path below
    /// the folder that was given. Where two would have the same one, both keep their extensions; where that does not
    /// help, the folder's name is put before.
    ///
    /// - Throws: `FeatureError` for what is not there, and for two that cannot be told apart.
    package static func find(_ arguments: [String]) throws -> [NamedRecording] {
        var found: [(root: String, path: String, relative: String)] = []
        var seen: Set<String> = []
        for argument in arguments {
            var isFolder: ObjCBool = false
            let url = URL(fileURLWithPath: argument).standardizedFileURL
            guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
                throw FeatureError("there is no \(argument)")
            }
            let relatives =
                isFolder.boolValue ? try recordings(in: url) : [url.lastPathComponent]
            let folder = isFolder.boolValue ? url : url.deletingLastPathComponent()
            for relative in relatives {
                let path = folder.appendingPathComponent(relative).path
                if seen.insert(path).inserted { found.append((folder.lastPathComponent, path, relative)) }
            }
        }
        let plain = { (relative: String) in (relative as NSString).deletingPathExtension }
        let once = counts(found.map { plain($0.relative) })
        let whole = counts(found.map(\.relative))
        let named = found.map { item in
            let name = plain(item.relative)
            return NamedRecording(
                path: item.path,
                name: once[name] == 1
                    ? name : whole[item.relative] == 1 ? item.relative : "\(item.root)/\(item.relative)")
        }
        if let twice = counts(named.map(\.name)).first(where: { $0.value > 1 })?.key {
            let paths = named.filter { $0.name == twice }.map(\.path)
            throw FeatureError(
                "\(paths.joined(separator: " and ")) would both be \(twice) in the output folder; give them in two runs, "
                    + "with two folders for --out")
        }
        return named
    }

    private static func counts(_ names: [String]) -> [String: Int] {
        names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private static func recordings(in folder: URL) throws -> [String] {
        let all = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        let found = all.filter { name in
            extensions.contains((name as NSString).pathExtension.lowercased())
                && !(name as NSString).lastPathComponent.hasPrefix(".")
        }
        guard !found.isEmpty else {
            throw FeatureError(
                "there are no recordings in \(folder.path) (\(extensions.sorted().joined(separator: ", ")))")
        }
        return found.sorted()
    }
}
