import Foundation

extension ClusterStatus {
    /// As JSON, with the field names of the protocol. Zero and empty fields are there, too, which protobuf's own
    /// JSON would leave out.
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
        var ageSeconds: Double
        var waiting: String
    }
    struct Worker: Encodable {
        var worker: String
        var name: String
        var levels: [Int]
        var slots: Int
        var busy: Int
        var tokensPerSecond: Double
        var silentSeconds: Double
        var machine: String
    }
    struct SetAside: Encodable {
        var machine: String
        var name: String
        var reason: String
        var sinceSeconds: Double
        /// 0: until somebody releases it.
        var secondsLeft: Double
    }
    struct Refusal: Encodable {
        var key: String
        var address: String
        var name: String
        var reason: String
        var secondsAgo: Double
        var count: UInt64
    }
    struct Connections: Encodable {
        var open: Int
        var limit: Int
        var turnedAway: UInt64
    }
    var songs: [Song]
    var workers: [Worker]
    var refusals: [Refusal]
    var setAside: [SetAside]
    var troubles: [String]
    var uptimeSeconds: Double
    var connections: Connections?

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
                segments: song.segments, ageSeconds: song.ageSeconds.finite, waiting: song.waiting)
        }
        workers = status.workers.map {
            Worker(
                worker: $0.worker, name: $0.name, levels: $0.levels, slots: $0.slots, busy: $0.busy,
                tokensPerSecond: $0.tokensPerSecond.finite, silentSeconds: $0.silentSeconds.finite,
                machine: $0.machine)
        }
        refusals = status.refusals.map {
            Refusal(
                key: $0.key, address: $0.address, name: $0.name, reason: $0.reason, secondsAgo: $0.secondsAgo.finite,
                count: $0.count)
        }
        setAside = status.setAsides.map {
            SetAside(
                machine: $0.machine, name: $0.name, reason: $0.reason, sinceSeconds: $0.secondsSince.finite,
                secondsLeft: $0.secondsLeft?.finite ?? 0)
        }
        troubles = status.troubles
        uptimeSeconds = status.uptimeSeconds
        connections = status.connections.map {
            Connections(open: $0.open, limit: $0.limit, turnedAway: $0.turnedAway)
        }
    }
}

extension Double {
    /// JSON has no infinity.
    fileprivate var finite: Double { isFinite ? self : 0 }
}
