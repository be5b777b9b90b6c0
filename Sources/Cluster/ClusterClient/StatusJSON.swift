import Foundation

extension ClusterStatus {
    /// As JSON, with the field names of the protocol. Every field is there, zero and empty ones too, which
    /// protobuf's own JSON would leave out.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(StatusDocument(self)), as: UTF8.self)
    }
}

private struct StatusDocument: Encodable {
    struct Level: Encodable {
        var level: Int
        var tokens: Int
        var total: Int
        var windowsDone: Int
        var windows: Int
    }
    struct Song: Encodable {
        var song: String
        var model: String
        var state: String
        var reason: String
        var samples: Int
        var levels: [Level]
        var running: Int
        var sampledTokens: Int
        var wantedTokens: Int
        var tokensPerSecond: Double
        var secondsLeft: Double
        var stageShare: Double
        var stageSecondsLeft: Double
        var segments: Int
    }
    struct Worker: Encodable {
        var worker: String
        var name: String
        var levels: [Int]
        var slots: Int
        var busy: Int
        var tokensPerSecond: Double
        var silentSeconds: Double
    }
    var songs: [Song]
    var workers: [Worker]
    var uptimeSeconds: Double

    init(_ status: ClusterStatus) {
        songs = status.songs.map { song in
            Song(
                song: song.song, model: song.model, state: song.state.rawValue, reason: song.reason,
                samples: song.samples,
                levels: song.levels.map {
                    Level(
                        level: $0.level, tokens: $0.tokens, total: $0.total, windowsDone: $0.windowsDone,
                        windows: $0.windows)
                },
                running: song.running, sampledTokens: song.sampledTokens, wantedTokens: song.wantedTokens,
                tokensPerSecond: song.tokensPerSecond.finite, secondsLeft: song.secondsLeft.finite,
                stageShare: song.stageShare.finite, stageSecondsLeft: song.stageSecondsLeft.finite,
                segments: song.segments)
        }
        workers = status.workers.map {
            Worker(
                worker: $0.worker, name: $0.name, levels: $0.levels, slots: $0.slots, busy: $0.busy,
                tokensPerSecond: $0.tokensPerSecond.finite, silentSeconds: $0.silentSeconds.finite)
        }
        uptimeSeconds = status.uptimeSeconds
    }
}

extension Double {
    /// JSON has no infinity.
    fileprivate var finite: Double { isFinite ? self : 0 }
}
