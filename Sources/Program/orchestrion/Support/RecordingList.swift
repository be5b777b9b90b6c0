import Foundation

/// The recordings that `--prompt` names.
enum RecordingList {
    /// The names in the option's values, which commas part where no file has them in its name.
    static func names(_ values: [String]) -> [String] { values.flatMap(names) }

    private static func names(_ value: String) -> [String] {
        let pieces = value.split(separator: ",", omittingEmptySubsequences: false)
        var names: [String] = []
        var start = 0
        while start < pieces.count {
            // The longest name that is there; else up to the next comma.
            let ends = stride(from: pieces.count, through: start + 1, by: -1)
            let end = ends.first { isThere(pieces[start..<$0].joined(separator: ",")) } ?? start + 1
            let name = pieces[start..<end].joined(separator: ",")
            if !name.isEmpty { names.append(name) }
            start = end
        }
        return names
    }

    private static func isThere(_ name: String) -> Bool {
        !name.isEmpty && FileManager.default.fileExists(atPath: name)
    }
}
