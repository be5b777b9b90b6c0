package import Foundation

/// Inputs that are kept: examples of what is right, and what has once been taken in wrongly.
package enum Corpus {
    /// `Tests/FuzzCorpus`, a folder for each entry.
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("FuzzCorpus")

    package static func folder(of entry: FuzzEntry) -> URL { root.appendingPathComponent(entry.rawValue) }

    /// By name, in order.
    package static func inputs(of entry: FuzzEntry) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder(of: entry)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return try names.sorted().filter { !$0.hasPrefix(".") }.map {
            ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0))))
        }
    }
}
