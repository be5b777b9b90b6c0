import Foundation
import Synchronization

/// Folders for what tests write: all in one, which goes when the tests end.
package enum TestFolder {
    private static let number = Atomic(0)

    package static let root: String = {
        let path = NSTemporaryDirectory() + "orchestrion-tests-\(getpid())-\(UUID().uuidString.prefix(8))"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: TestFolder.root) }
        return path
    }()

    /// A new, empty folder.
    package static func make(_ name: String) throws -> String {
        let path = "\(root)/\(name)-\(number.add(1, ordering: .relaxed).newValue)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// A path in a new folder, where nothing is yet.
    package static func place(_ name: String) throws -> String { try make("place") + "/\(name)" }

    /// Moves a folder to where it outlives the tests.
    ///
    /// - Returns: the new place.
    package static func keep(_ folder: String) -> String {
        let last = URL(fileURLWithPath: folder).lastPathComponent
        let target = NSTemporaryDirectory() + "orchestrion-failed-\(getpid())-\(last)"
        return (try? FileManager.default.moveItem(atPath: folder, toPath: target)) == nil ? folder : target
    }
}
