import Foundation
import SystemErrors

/// Which state a folder holds, and how often it was taken over from a copy.
package struct CopyIdentity: Codable, Sendable, Hashable {
    /// Drawn when a state is copied for the first time; the same in all that comes of it.
    package var cluster: String
    /// One more at each restoration. Of two coordinators with the same state, the one with the lower number is out.
    package var generation: Int

    /// More restorations than there will ever be.
    static let mostGenerations = 1 << 30

    package init(cluster: String, generation: Int) { (self.cluster, self.generation) = (cluster, generation) }

    static func file(_ folder: String) -> String { folder + "/identity.json" }

    /// That of a state folder, which gets one where it has none.
    ///
    /// - Throws: `SystemError`; `CopyError` for a file that is none.
    package static func ofState(_ folder: String) throws -> CopyIdentity {
        if let known = try read(file(folder)) { return known }
        let new = CopyIdentity(cluster: UUID().uuidString.lowercased(), generation: 1)
        try new.write(folder)
        return new
    }

    /// nil where a state folder has none.
    package static func known(ofState folder: String) throws -> CopyIdentity? { try read(file(folder)) }

    func write(_ folder: String) throws { try OutputFile.replace(Self.file(folder), with: SmallFile.encode(self)) }

    private static func read(_ path: String) throws -> CopyIdentity? { try SmallFile.read(path) }
}

/// What a copy says of itself, in `copy.json`. It is written about once a second, so that whoever looks twice sees whether
/// somebody keeps it.
package struct CopyMark: Codable, Sendable, Hashable {
    package var format = 1
    package var identity: CopyIdentity
    /// Counts up as long as somebody writes into the copy.
    package var count: UInt64
    /// Drawn by each process that writes into it.
    package var writer: String
    /// The journal is there, and consistent.
    package var hasJournal: Bool
    /// Bytes of files that are not here yet.
    package var pendingBytes: UInt64
    /// Seconds since 1970, of the coordinator's clock; for people.
    package var time: Double

    static func file(_ folder: String) -> String { folder + "/copy.json" }
}

/// Whoever went on from a copy writes so into it: the coordinator whose copy it was is out.
struct CopyTakeover: Codable, Sendable, Hashable {
    var identity: CopyIdentity
    /// For people.
    var host: String
    var time: Double

    static func file(_ folder: String) -> String { folder + "/taken-over.json" }
}

/// Small files of JSON.
enum SmallFile {
    private static let most = 1 << 16

    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [0x0A]
    }

    /// nil when there is no such file.
    ///
    /// - Throws: `SystemError`; `CopyError` for a file that is none of these.
    static func read<Value: Decodable>(_ path: String) throws -> Value? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let file = try InputFile(path)
        guard file.size <= most,
            let value = try? JSONDecoder().decode(
                Value.self, from: Data(file.bytes(at: 0, count: file.size)))
        else { throw CopyError(.damaged, "\(path) is damaged, or of a newer release") }
        return value
    }
}

/// Why a copy cannot be kept, or not be gone on from.
package struct CopyError: Error, Sendable, Hashable, CustomStringConvertible, Codable {
    package enum Kind: String, Sendable, Hashable, Codable {
        /// It may be so no more later: a disk, a network, somebody else who uses it just now.
        case passing
        /// Somebody else goes on with this state: this coordinator is out.
        case fenced
        /// It is another cluster's.
        case foreign
        /// What is there is not what was written.
        case damaged
    }
    package var kind: Kind
    package var description: String

    package init(_ kind: Kind, _ description: String) { (self.kind, self.description) = (kind, description) }
}
