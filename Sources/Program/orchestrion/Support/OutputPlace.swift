import ArgumentParser
import Foundation

/// Where `--out` puts a song.
enum OutputPlace {
    /// - Throws: `ValidationError` where something else than a folder is there, or above.
    static func check(_ folder: URL) throws {
        var place = folder
        while place.path != "/" {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) {
                guard isFolder.boolValue else {
                    throw ValidationError(
                        "--out: \(place.path) is no folder; choose another, or one that is not there yet")
                }
                return
            }
            place = place.deletingLastPathComponent()
        }
    }
}
