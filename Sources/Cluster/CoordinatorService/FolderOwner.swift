import CoordinatorCore
import Foundation
import SongFiles
import SystemErrors

/// Says of a folder of files which song they are of: an id may have meant another song once. What lies there is taken for a
/// song's own only when this says so.
struct FolderOwner {
    private let file: URL
    private let text: Data

    init(_ submission: Submission, _ layout: SongFolderLayout) {
        file = layout.owner
        let fingerprints = submission.fingerprints.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        text = Data(([submission.specification] + fingerprints).joined(separator: "\n").utf8)
    }

    /// nil when nothing says whose the folder is.
    var isOwn: Bool? { FileManager.default.contents(atPath: file.path).map { $0 == text } }

    /// Where a disk refuses, the files are made anew at the next start.
    func mark() {
        try? OutputFolder.make(file.deletingLastPathComponent().path)
        try? OutputFile.replace(file.path, with: text)
    }
}
