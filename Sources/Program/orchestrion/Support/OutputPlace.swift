import Foundation

/// Where `--out` puts a song.
enum OutputPlace {
    /// - Throws: `OutputPlaceError` where something else than a folder is there, or above.
    static func check(_ folder: URL) throws {
        var place = folder
        while place.path != "/" {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) {
                guard isFolder.boolValue else {
                    throw OutputPlaceError(
                        description: "\(place.path) is there already, and is no folder; choose another for --out")
                }
                return
            }
            place = place.deletingLastPathComponent()
        }
    }
}

/// A place for a song's files that is none.
struct OutputPlaceError: Error, CustomStringConvertible {
    var description: String
}
