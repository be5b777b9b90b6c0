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
        var ageSeconds: Double
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
    struct Refusal: Encodable {
        var key: String
        var address: String
        var name: String
        var reason: String
        var secondsAgo: Double
        var count: UInt64
    }
    var songs: [Song]
    var workers: [Worker]
    var refusals: [Refusal]
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
                segments: song.segments, ageSeconds: song.ageSeconds.finite)
        }
        workers = status.workers.map {
            Worker(
                worker: $0.worker, name: $0.name, levels: $0.levels, slots: $0.slots, busy: $0.busy,
                tokensPerSecond: $0.tokensPerSecond.finite, silentSeconds: $0.silentSeconds.finite)
        }
        refusals = status.refusals.map {
            Refusal(
                key: $0.key, address: $0.address, name: $0.name, reason: $0.reason, secondsAgo: $0.secondsAgo.finite,
                count: $0.count)
        }
        uptimeSeconds = status.uptimeSeconds
    }
}

extension Double {
    /// JSON has no infinity.
    fileprivate var finite: Double { isFinite ? self : 0 }
}
