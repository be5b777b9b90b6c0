import Foundation

extension WireStatus {
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
        var level: UInt32
        var tokens: UInt64
        var total: UInt64
        var windowsDone: UInt32
        var windows: UInt32
    }
    struct Song: Encodable {
        var song: String
        var model: String
        var state: String
        var reason: String
        var samples: UInt32
        var levels: [Level]
        var running: UInt32
        var sampledTokens: UInt64
        var wantedTokens: UInt64
        var tokensPerSecond: Double
        var secondsLeft: Double
        var stageShare: Double
        var stageSecondsLeft: Double
        var segments: UInt32
    }
    struct Worker: Encodable {
        var worker: String
        var name: String
        var levels: [UInt32]
        var slots: UInt32
        var busy: UInt32
        var tokensPerSecond: Double
        var silentSeconds: Double
    }
    var songs: [Song]
    var workers: [Worker]
    var uptimeSeconds: Double

    init(_ status: WireStatus) {
        songs = status.songs.map { song in
            Song(
                song: song.song, model: song.model, state: song.state, reason: song.reason, samples: song.samples,
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
