import ClusterProtocol
import Foundation
import ModelTestSupport
import SongPlan
import Testing

@testable import CoordinatorCore
@testable import CoordinatorService

/// Every field of every message of peers, with values that nobody would send who meant well: nothing traps, answers are
/// bounded, and the core is what its records say.
@Suite struct HostileValueTests {
    /// Makes messages as bytes, field by field, whatever the fields mean.
    private struct Forger {
        var random: SplitMix64
        static let fields = Array(1...13) + [20, 21, 30, 40, 41, 60, 70, 80, 81, 82, 83, 84, 90]
        static let numbers: [UInt64] = [
            0, 1, 2, 3, 16, 63, 64, 128, 255, 65_535, 65_536, UInt64(Int32.max), UInt64(UInt32.max), UInt64(Int64.max),
            UInt64(Int64.max) + 1, .max,
        ]
        static let doubles: [Double] = [
            .nan, .infinity, -.infinity, -1e300, 1e-300, 2e-299, 1e300, .leastNonzeroMagnitude,
            .greatestFiniteMagnitude,
            -0.0, 0, 1, 100, 1e9, 1e10,
        ]
        static let texts = [
            "s", "t", "", "model", "f16/1:0", "f16/1:1", "\u{1B}[2J\u{202E}\n", "../../etc/passwd",
            "songs 9999999999 s",
            "workers ", String(repeating: "x", count: 3000), "1.5e308", "{}",
            #"{"model":"two-level-unlabelled","seconds":1e308,"samples":[{"offset":-9223372036854775808}]}"#,
        ]

        mutating func varint(_ value: UInt64) -> [UInt8] {
            var (bytes, rest) = ([UInt8](), value)
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            return bytes + [UInt8(rest)]
        }

        mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: values.indices, using: &random)] }

        mutating func field(_ number: Int, depth: Int) -> [UInt8] {
            let wire: UInt64 = pick([0, 0, 1, 2, 2, 2, 5])
            let tag = varint(UInt64(number) << 3 | wire)
            switch wire {
            case 0: return tag + varint(pick(Self.numbers))
            case 1: return tag + withUnsafeBytes(of: pick(Self.doubles).bitPattern.littleEndian) { Array($0) }
            case 5: return tag + withUnsafeBytes(of: Float(pick(Self.doubles)).bitPattern.littleEndian) { Array($0) }
            default:
                let content =
                    depth > 0 && Bool.random(using: &random)
                    ? message(depth: depth - 1) : Array(pick(Self.texts).utf8)
                return tag + varint(UInt64(content.count)) + content
            }
        }

        mutating func message(depth: Int) -> [UInt8] {
            (0..<Int.random(in: 0...6, using: &random)).flatMap { _ in field(pick(Self.fields), depth: depth) }
        }

        /// A message whose kind is known, with its fields forged.
        mutating func message(kind: Int) -> [UInt8] {
            let content = message(depth: 3)
            return varint(UInt64(kind) << 3 | 2) + varint(UInt64(content.count)) + content
        }
    }

    private static let shape = ModelGeometry(
        sampleRate: 100,
        levels: [
            LevelGeometry(samplesPerToken: 2, windowLength: 64, codes: 16, tokensPerUpperToken: 4),
            LevelGeometry(samplesPerToken: 8, windowLength: 64, codes: 16, tokensPerUpperToken: nil),
        ], timing: nil)

    private static func submission(_ song: String) -> Submission {
        Submission(
            song: song, model: "model", fingerprints: [0: "f16/1:0", 1: "f16/1:1"],
            planInputs: PlanInputs(geometry: shape, sampleLength: 4096, hops: [32, 32], known: [0, 0]), seed: 1,
            filters: [Filter(temperature: 1, topK: 0, topP: 0), Filter(temperature: 1, topK: 0, topP: 0)],
            labels: [[nil, nil], [nil, nil]])
    }

    /// A core, its records replayed beside it.
    private struct World {
        var core = Coordinator(now: Instant(nanoseconds: 0))
        var audit = ReplayAudit()
        var now: Int64 = 0
        var largest = 0

        mutating func handle(_ event: Event) throws {
            now += 300_000_000
            for effect in core.handle(event, now: Instant(nanoseconds: now)) {
                switch effect {
                case .journal(let record): audit.add(record)
                case .send(_, let message): largest = max(largest, try message.payload().count)
                case .defect(let defect): Issue.record("\(defect)")
                case _: break
                }
            }
        }
    }

    private func hello(_ name: String, _ speed: Double) throws -> Event {
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.name, hello.model) = (ProtocolVersion.current, name, name, "model")
        (hello.slots, hello.tokensPerSecond) = (4, speed)
        hello.fingerprints = [0: "f16/1:0", 1: "f16/1:1"]
        let kind = WireToCoordinator.OneOf_Kind.hello(hello)
        return try #require(kind.event(peer: Peer(Array(name.utf8)), provenKey: nil))
    }

    @Test(arguments: Forger.doubles)
    func `a worker may say any speed`(_ speed: Double) throws {
        var world = World()
        try world.handle(.submit(Self.submission("s")))
        for (name, own) in [("a", speed), ("b", 2e-299), ("c", 100.0), ("d", speed)] {
            try world.handle(hello(name, own))
            var beat = WireHeartbeat()
            (beat.tokensPerSecond, beat.levelSpeeds) = (own, [0: own, 1: speed, 77: own])
            let kind = WireToCoordinator.OneOf_Kind.heartbeat(beat)
            try world.handle(#require(kind.event(peer: Peer(Array(name.utf8)), provenKey: nil)))
        }
        for _ in 0..<20 { try world.handle(.tick) }
        _ = world.core.secondsLeft(of: "s")
        #expect(world.audit.faults(of: world.core) == [])
    }

    @Test func `the core bears any speed that finds a way past the door`() throws {
        for speed in Forger.doubles {
            var world = World()
            try world.handle(.submit(Self.submission("s")))
            for name in ["a", "b"] {
                let worker = WorkerDescription(
                    id: name, name: name, model: "model", fingerprints: [0: "f16/1:0", 1: "f16/1:1"], slots: 2,
                    tokensPerSecond: speed)
                try world.handle(.workerHello(Peer(Array(name.utf8)), worker))
                try world.handle(
                    .heartbeat(
                        Peer(Array(name.utf8)), held: [], tokensPerSecond: speed, levelSpeeds: [0: speed, 1: speed]))
            }
            for _ in 0..<10 { try world.handle(.tick) }
            _ = world.core.secondsLeft(of: "s")
            #expect(world.audit.faults(of: world.core) == [], "\(speed)")
        }
    }

    @Test(arguments: 1...3)
    func `a worker may send anything, message by message`(_ seed: UInt64) throws {
        var world = World()
        var forger = Forger(random: SplitMix64(seed: seed))
        for song in ["s", "t"] { try world.handle(.submit(Self.submission(song))) }
        for name in ["a", "b", "c"] { try world.handle(hello(name, 10)) }
        var understood = 0
        for turn in 0..<3000 {
            let payload = forger.message(kind: turn % 5 + 1)
            guard var message = try? WireToCoordinator(payload: payload) else { continue }
            if case .chunk(var chunk) = message.kind {
                chunk.hash = chunk.expectedHash
                message.kind = .chunk(chunk)
            }
            if case .hello(var hello) = message.kind {
                hello.version = ProtocolVersion.current
                message.kind = .hello(hello)
            }
            let peer = ["a", "b", "c", "x"][turn % 4]
            let sender = ReceivedMessage(
                connection: ConnectionID(bytes: Array(peer.utf8)), peerKey: nil, payload: try message.payload())
            guard case .event(let event) = Incoming(sender) else { continue }
            understood += 1
            try world.handle(event)
            if turn % 50 == 0 { try world.handle(hello("a", 10)) }
            if turn % 200 == 0 { #expect(world.audit.faults(of: world.core) == []) }
        }
        #expect(understood > 300 && world.largest <= TransportLimits.maximumMessageSize)
        #expect(world.audit.faults(of: world.core) == [])
    }

    @Test(arguments: 1...2)
    func `a client may ask anything, and others are answered`(_ seed: UInt64) throws {
        let coordinator = try ServedCoordinator()
        #expect(
            try coordinator.submit("s", #"{"model":"two-level-unlabelled","sample_length":256}"#).error.isEmpty)
        let hostile = coordinator.peer(key: "hostile", roles: .client)
        var forger = Forger(random: SplitMix64(seed: 100 + seed))
        for turn in 0..<600 {
            // Number and version, then one of the kinds.
            let kind = [3, 4, 5, 6, 7, 8, 20, 61, 71, 81][turn % 10]
            let content = forger.message(kind: kind)
            let number = forger.pick(Forger.numbers)
            let request = [8] + forger.varint(number) + [16, 1] + content
            try coordinator.send([0x32] + forger.varint(UInt64(request.count)) + request, from: hostile)
            for message in try hostile.receive(timeout: .zero, limit: 64) {
                #expect(message.payload.count <= TransportLimits.maximumMessageSize)
            }
        }
        let status = try coordinator.ask(.status(WireStatusQuery()))
        #expect(status.error.isEmpty && status.status.songs.contains { $0.song == "s" })
        coordinator.finish()
    }
}
