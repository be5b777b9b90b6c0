import Digest
package import SongPlan
import SwiftProtobuf

/// A payload that is not a message of this protocol, or was changed on its way.
package struct WireError: Error, CustomStringConvertible {
    package var description: String
}

extension WireToCoordinator {
    package init(kind: OneOf_Kind) {
        self.init()
        self.kind = kind
    }

    /// - Throws: `WireError`; payloads come from anyone.
    package init(payload: [UInt8]) throws {
        self = try decode(payload)
    }

    package func payload() throws -> [UInt8] { MessageSeal.sealed(try serializedBytes()) }
}

extension WireFromCoordinator {
    package init(kind: OneOf_Kind) {
        self.init()
        self.kind = kind
    }

    /// - Throws: `WireError`.
    package init(payload: [UInt8]) throws {
        self = try decode(payload)
    }

    package func payload() throws -> [UInt8] { MessageSeal.sealed(try serializedBytes()) }
}

private func decode<M: SealedMessage>(_ payload: [UInt8]) throws -> M {
    guard payload.count <= TransportLimits.maximumMessageSize else {
        throw WireError(description: "a message of \(payload.count) bytes is over the limit")
    }
    var message: M
    do {
        message = try M(serializedBytes: payload)
    } catch {
        throw WireError(description: "not a message of this protocol (\(error))")
    }
    guard message.hasSeal else {
        // Peers of before, which do not seal, send no field that is not known here: it may be a seal that was changed.
        guard message.unknownFields.data.isEmpty else {
            throw WireError(description: "a message was changed on its way, or has lost its seal")
        }
        return message
    }
    guard MessageSeal.state(payload) == .right else {
        throw WireError(description: "a message was changed on its way")
    }
    message.clearSeal()
    return message
}

extension WireSongStatus {
    /// Bytes that it takes in a message.
    package var byteCount: Int { size(of: self) }
}

extension WireWorkerStatus {
    package var byteCount: Int { size(of: self) }
}

extension WireMetricFamily {
    package var byteCount: Int { size(of: self) }
}

private func size(of message: some SwiftProtobuf.Message) -> Int {
    ((try? message.serializedBytes()) ?? [UInt8]()).count
}

extension WireTask {
    package init(_ task: TaskID) {
        self.init()
        song = task.song
        sample = UInt32(task.sample)
        level = UInt32(task.level)
        window = UInt32(task.window)
        segment = UInt32(task.segment)
    }

    package var taskID: TaskID {
        TaskID(
            stream: StreamID(song: song, sample: Int(sample), level: Int(level), segment: Int(segment)),
            window: Int(window))
    }
}

extension WireChunk {
    /// A hash over everything else in the chunk: what was changed on the way or in memory is refused.
    package var expectedHash: UInt64 {
        var bytes: [UInt8] = Array(task.song.utf8) + [0]
        func append(_ value: UInt64) {
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        append(UInt64(task.sample) << 32 | UInt64(task.level))
        append(UInt64(task.window) << 32 | UInt64(start))
        append(epoch)
        if task.segment > 0 { append(UInt64(task.segment)) }
        for token in tokens {
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: token >> shift)) }
        }
        return bytes.withUnsafeBytes { Digest.short($0) }
    }
}

extension WireLabels {
    package init(_ labels: SongLabels) {
        self.init()
        totalLength = UInt32(clamping: labels.totalLength)
        offset = UInt32(clamping: labels.offset)
        artist = UInt32(clamping: labels.artist)
        genres = labels.genres.map { UInt32(clamping: $0) }
        lyrics = labels.lyrics.map { UInt32(clamping: $0) }
    }

    package var songLabels: SongLabels {
        SongLabels(
            totalLength: Int(totalLength), offset: Int(offset), artist: Int(artist), genres: genres.map(Int.init),
            lyrics: lyrics.map(Int.init))
    }
}
