package import Checkpoint
package import Foundation
package import JukeboxModel
package import SongPlan
import Synchronization

/// The reference models under `Tests/Fixtures`, with what the original computes for them.
package enum Fixture: String, CaseIterable, Sendable, CustomStringConvertible {
    case lyricsSingle = "lyrics-single"
    case lyricsEncDec = "lyrics-encdec"
    case noLyrics = "no-lyrics"
    case twoLevel = "two-level-unlabelled"
    case hfLyricsSingle = "hf-lyrics-single"
    case hfNoLyrics = "hf-no-lyrics"

    /// Those that bring expectations of their own.
    package static let originals: [Fixture] = [.lyricsSingle, .lyricsEncDec, .noLyrics, .twoLevel]

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

    package var folder: URL { Self.root.appendingPathComponent(rawValue, isDirectory: true) }

    package var description: String { rawValue }

    // MARK: opened once a process

    private static let models = Once<Fixture, Model>()
    private static let priors = Once<FixtureLevel, Prior>()
    private static let expectations = Once<Fixture, Checkpoint>()
    private static let scenarios = Once<Fixture, Scenario>()

    package func model() throws -> Model {
        try Self.models.value(self) { try Model(path: folder.path, profile: .f32) }
    }

    package func prior(level: Int, profile: NumericProfile = .f32) throws -> Prior {
        let model = try model()
        return try Self.priors.value(FixtureLevel(self, level, profile)) {
            try model.prior(level: level, profile: profile)
        }
    }

    // MARK: expectations

    package func expected() throws -> Checkpoint {
        try Self.expectations.value(self) {
            try Checkpoint.open(path: folder.appendingPathComponent("expected.safetensors").path)
        }
    }

    /// An integer tensor of the expectations, [rows][columns].
    package func integers(_ name: String) throws -> [[Int]] {
        guard let tensor = try expected().tensors[name], let columns = tensor.shape.last else {
            throw FixtureError(description: "\(rawValue) expects no \(name)")
        }
        let values = try tensor.int64s()
        return stride(from: 0, to: values.count, by: columns).map { Array(values[$0..<$0 + columns]) }
    }

    /// Codes of a run, [sample][token].
    package func codes(_ run: String, level: Int) throws -> [[UInt16]] {
        try integers("\(run).z\(level)").map { $0.map(UInt16.init) }
    }

    package func floats(_ name: String) throws -> [Float] {
        guard let tensor = try expected().tensors[name] else {
            throw FixtureError(description: "\(rawValue) expects no \(name)")
        }
        return try tensor.floats()
    }

    package func scenario() throws -> Scenario {
        try Self.scenarios.value(self) {
            try JSONDecoder().decode(
                Scenario.self, from: Data(contentsOf: folder.appendingPathComponent("scenario.json")))
        }
    }

    /// Every level of the original fixtures.
    /// Some levels in profiles that the original does not have: every kind of attention, of lyrics, of upsampling.
    package static let otherProfiles: [FixtureLevel] = NumericProfile.allCases.filter { $0 != .f32 }.flatMap {
        profile in
        [
            FixtureLevel(.lyricsSingle, 2, profile), FixtureLevel(.lyricsEncDec, 2, profile),
            FixtureLevel(.lyricsEncDec, 0, profile),
        ]
    }
    package static let allLevels: [FixtureLevel] = originals.flatMap { fixture in
        (0..<(fixture == .twoLevel ? 2 : 3)).map { FixtureLevel(fixture, $0) }
    }
}

/// Values that are made once, and kept for all tests of the process.
private final class Once<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let values = Mutex<[Key: Value]>([:])

    func value(_ key: Key, make: () throws -> Value) rethrows -> Value {
        try values.withLock { values in
            if let value = values[key] { return value }
            let value = try make()
            values[key] = value
            return value
        }
    }
}

package struct FixtureLevel: Sendable, Hashable, CustomStringConvertible {
    package var fixture: Fixture
    package var level: Int
    package var profile: NumericProfile

    package init(_ fixture: Fixture, _ level: Int, _ profile: NumericProfile = .f32) {
        self.fixture = fixture
        self.level = level
        self.profile = profile
    }

    package var description: String { "\(fixture.rawValue) level \(level) \(profile)" }
}

/// The part of `scenario.json` that tests need.
package struct Scenario: Decodable, Sendable {
    package struct Song: Decodable, Sendable {
        package var artist: String
        package var genre: String
        package var lyrics: String
        package var total_length: Int
        package var offset: Int
    }
    package var sample_length: Int
    package var hop: [Double]
    package var metas: [Song]
    package var full_tokens: [[Int]]?

    package var specifications: [SampleSpecification] {
        metas.map {
            SampleSpecification(
                artist: $0.artist, genre: $0.genre, lyrics: $0.lyrics, totalLength: $0.total_length, offset: $0.offset)
        }
    }
}

package struct FixtureError: Error, CustomStringConvertible {
    package var description: String
    package init(description: String) { self.description = description }
}
