import Foundation
import SongPlan

extension ClusterStatus {
    /// As JSON, with the field names of the protocol. Zero and empty fields are there, too, which protobuf's own
    /// JSON would leave out.
    package func json() throws -> String { try StatusJSON.text(StatusDocument(self)) }
}

private enum StatusJSON {
    static func text(_ document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }
}

/// A song as `status --json` and the HTTP API tell it.
package struct SongDocument: Sendable, Encodable {
    package struct Level: Sendable, Encodable {
        var level: Int
        var tokens: Int
        var total: Int
        var windowsDone: Int
        var windows: Int
        var audibleSeconds: Double
    }
    var song: String
    var model: String
    var state: String
    var reason: String
    var priority: Int
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
    var seconds: Double
    var labels: [Labels]
    @Null var name: String?
    @Null var note: String?
    var starred: Bool
    var hidden: Bool
    @Null var parent: Parent?

    package struct Labels: Sendable, Encodable {
        @Null var artist: String?
        @Null var genre: String?
    }

    package struct Parent: Sendable, Encodable {
        @Null var song: String?
        var operation: String
        var samples: [Int]
        var fromSeconds: Double
        var keptSeconds: Double
    }

    package init(_ song: SongProgress) {
        self.song = song.song
        (model, state, reason) = (song.model, song.state.rawValue, song.reason)
        (priority, samples, segments, running) = (song.priority, song.samples, song.segments, song.running)
        levels = song.levels.map {
            Level(
                level: $0.level, tokens: $0.tokens, total: $0.total, windowsDone: $0.windowsDone,
                windows: $0.windows, audibleSeconds: $0.audibleSeconds.finite)
        }
        (sampledTokens, wantedTokens) = (song.sampledTokens, song.wantedTokens)
        (tokensPerSecond, secondsLeft) = (song.tokensPerSecond.finite, song.secondsLeft.finite)
        (stageShare, stageSecondsLeft) = (song.stageShare.finite, song.stageSecondsLeft.finite)
        (ageSeconds, waiting) = (song.ageSeconds.finite, song.waiting)
        seconds = song.seconds.finite
        labels = song.labels.map { Labels(artist: $0.artist, genre: $0.genre) }
        name = song.note.name.isEmpty ? nil : song.note.name
        note = song.note.note.isEmpty ? nil : song.note.note
        (starred, hidden) = (song.note.isStarred, song.note.isHidden)
        parent = song.parent.map {
            Parent(
                song: $0.song, operation: $0.operation, samples: $0.samples, fromSeconds: $0.fromSeconds.finite,
                keptSeconds: max(0, $0.toSeconds - $0.fromSeconds).finite)
        }
    }
}

/// An optional that is written as null rather than left away.
@propertyWrapper
package struct Null<Value: Encodable & Sendable>: Encodable, Sendable {
    package var wrappedValue: Value?

    package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}

/// A worker, likewise.
package struct WorkerDocument: Sendable, Encodable {
    var worker: String
    var name: String
    var levels: [Int]
    var slots: Int
    var busy: Int
    var tokensPerSecond: Double
    var silentSeconds: Double
    var machine: String
    var speeds: [Speed]
    /// Empty where nobody says.
    var device: String
    var residentLevels: [Int]
    /// It gets no windows: it is about to leave, or somebody drained it.
    var leaving: Bool
    var drained: Bool

    package struct Speed: Sendable, Encodable {
        var level: Int
        var tokensPerSecond: Double
    }

    package init(_ worker: ConnectedWorker) {
        self.worker = worker.worker
        (name, levels, slots, busy) = (worker.name, worker.levels, worker.slots, worker.busy)
        (tokensPerSecond, silentSeconds) = (worker.tokensPerSecond.finite, worker.silentSeconds.finite)
        machine = worker.machine
        (leaving, drained) = (worker.isLeaving, worker.isDrained)
        speeds = worker.levelSpeeds.sorted { $0.key < $1.key }.map {
            Speed(level: $0.key, tokensPerSecond: $0.value.finite)
        }
        (device, residentLevels) = (worker.device, worker.residentLevels)
    }
}

/// A machine that gets no windows just now, likewise.
package struct SetAsideDocument: Sendable, Encodable {
    var machine: String
    var name: String
    var reason: String
    var sinceSeconds: Double
    /// 0: until somebody releases it.
    var secondsLeft: Double

    package init(_ machine: SetAsideMachine) {
        self.machine = machine.machine
        (name, reason) = (machine.name, machine.reason)
        (sinceSeconds, secondsLeft) = (machine.secondsSince.finite, machine.secondsLeft?.finite ?? 0)
    }
}

/// Somebody who was not let in, likewise.
package struct RefusalDocument: Sendable, Encodable {
    var key: String
    var address: String
    var name: String
    var reason: String
    var secondsAgo: Double
    var count: UInt64

    package init(_ peer: RefusedPeer) {
        (key, address, name, reason) = (peer.key, peer.address, peer.name, peer.reason)
        (secondsAgo, count) = (peer.secondsAgo.finite, peer.count)
    }
}

private struct StatusDocument: Encodable {
    struct Connections: Encodable {
        var open: Int
        var limit: Int
        var turnedAway: UInt64
    }
    var songs: [SongDocument]
    var workers: [WorkerDocument]
    var refusals: [RefusalDocument]
    var setAside: [SetAsideDocument]
    var troubles: [String]
    var notes: [String]
    var uptimeSeconds: Double
    var connections: Connections?
    var copy: ClusterStatus.Copy?

    init(_ status: ClusterStatus) {
        songs = status.songs.map(SongDocument.init)
        workers = status.workers.map(WorkerDocument.init)
        refusals = status.refusals.map(RefusalDocument.init)
        setAside = status.setAsides.map(SetAsideDocument.init)
        troubles = status.troubles
        notes = status.notes
        uptimeSeconds = status.uptimeSeconds
        copy = status.copy
        connections = status.connections.map {
            Connections(open: $0.open, limit: $0.limit, turnedAway: $0.turnedAway)
        }
    }
}

extension Double {
    /// JSON has no infinity.
    fileprivate var finite: Double { isFinite ? self : 0 }
}

/// A tree of songs, as `tree --json` and the HTTP API tell it.
package struct TreeDocument: Sendable, Encodable {
    /// The oldest ancestor that is still here.
    var root: String
    /// Parents before children.
    var songs: [SongDocument]

    package init(_ songs: [SongProgress]) {
        root = songs.first?.song ?? ""
        self.songs = songs.map(SongDocument.init)
    }

    package func json() throws -> String { try StatusJSON.text(self) }
}
