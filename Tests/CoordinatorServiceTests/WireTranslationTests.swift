import ClusterProtocol
import Foundation
import ModelTestSupport
import SongPlan
import Testing

@testable import CoordinatorCore
@testable import CoordinatorService

/// The core's messages on the wire, and the wire's as events of the core.
@Suite struct WireTranslationTests {
    private let task = TaskID(stream: StreamID(song: "s", sample: 3, level: 1), window: 7)
    private let peer = Peer([1, 2, 3])

    /// Over the wire and back.
    private func sent(_ message: Outgoing) throws -> WireFromCoordinator.OneOf_Kind? {
        try WireFromCoordinator(payload: WireFromCoordinator(kind: message.wire).payload()).kind
    }

    private func event(_ kind: WireToCoordinator.OneOf_Kind, provenKey: String? = nil) throws -> Event? {
        try WireToCoordinator(payload: WireToCoordinator(kind: kind).payload()).kind?.event(
            peer: peer, provenKey: provenKey)
    }

    private func incoming(_ kind: WireToCoordinator.OneOf_Kind) throws -> Incoming {
        Incoming(
            ReceivedMessage(
                connection: ConnectionID(bytes: peer.bytes), peerKey: nil,
                payload: try WireToCoordinator(kind: kind).payload()))
    }

    // MARK: what arrives

    @Test func `what a worker says of itself is bounded, and no terminal acts on it`() throws {
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.slots) = (ProtocolVersion.current, "w", 2)
        hello.name = "a\u{1B}[2Jb\nc\u{202E}" + String(repeating: "d", count: 5000)
        hello.fingerprints = Dictionary(uniqueKeysWithValues: (0..<1000).map { (UInt32($0), "f16/1:\($0)\n") })
        for speed in [Double.nan, .infinity, -1] {
            hello.tokensPerSecond = speed
            guard case .workerHello(_, let worker) = try event(.hello(hello)) else {
                Issue.record("no hello came of it")
                return
            }
            #expect(worker.name.hasPrefix("a[2Jbcddd") && worker.name.count <= 200)
            #expect(worker.fingerprints.count == 16 && worker.fingerprints[1] == "f16/1:1")
            #expect(worker.tokensPerSecond == 0)
        }
        var failed = WireTaskFailed()
        failed.reason = String(repeating: "r", count: 60_000)
        guard case .taskFailed(_, _, _, let reason) = try event(.failed(failed)) else {
            Issue.record("no failure came of it")
            return
        }
        #expect(reason.count == 1000)
    }

    @Test func `peers of another version are told so, whoever they are`() throws {
        var hello = WireWorkerHello()
        hello.version = 99
        guard case .foreignWorker(_, let reason) = try incoming(.hello(hello)) else {
            Issue.record("a worker of version 99 was let in")
            return
        }
        #expect(reason.contains("version 99"))
        var request = WireClientRequest()
        (request.number, request.version, request.kind) = (7, 99, .status(WireStatusQuery()))
        guard case .foreignRequest(let number, let words) = try incoming(.request(request)) else {
            Issue.record("a client of version 99 was let in")
            return
        }
        #expect(number == 7 && words.contains("version 99"))
    }

    @Test func `a request of a newer release is one without content, and keeps its number`() throws {
        var request = WireClientRequest()
        (request.number, request.version) = (7, ProtocolVersion.current)
        guard case .request(nil, let number) = try incoming(.request(request)) else {
            Issue.record("an empty request has content")
            return
        }
        #expect(number == 7)
        var query = WireStatusQuery()
        query.song = "s"
        request.kind = .status(query)
        guard case .request(.status("s", cursor: nil, StatusSelection()), 7) = try incoming(.request(request)) else {
            Issue.record("a status query is something else")
            return
        }
    }

    @Test func `a chunk that was changed on its way, and what is no message, are told apart`() throws {
        var chunk = WireChunk()
        (chunk.task, chunk.epoch, chunk.tokens) = (WireTask(task), 1, [1, 2])
        chunk.hash = chunk.expectedHash
        guard case .event(.chunk) = try incoming(.chunk(chunk)) else {
            Issue.record("a good chunk is no chunk")
            return
        }
        chunk.tokens[0] = 3
        guard case .damaged = try incoming(.chunk(chunk)) else {
            Issue.record("a damaged chunk was taken")
            return
        }
        for payload in [[], [0xFF]] as [[UInt8]] {
            let message = ReceivedMessage(connection: ConnectionID(bytes: [1]), peerKey: nil, payload: payload)
            guard case .notOfThisProtocol = Incoming(message) else {
                Issue.record("\(payload) was taken for a message")
                return
            }
        }
    }

    // MARK: to workers

    @Test func `a welcome carries version, heartbeat and lease`() throws {
        guard case .welcome(let message) = try sent(.welcome(heartbeat: .seconds(1), lease: .milliseconds(5500))) else {
            Issue.record("no welcome")
            return
        }
        #expect(message.version == ProtocolVersion.current)
        #expect(message.heartbeatMilliseconds == 1000 && message.leaseMilliseconds == 5500)
    }

    @Test func `an assignment carries everything the tokens depend on`() throws {
        let labels = SongLabels(totalLength: 5_000_000, offset: 6, artist: 7, genres: [8, 9], lyrics: [10, 11])
        let assignment = Assignment(
            task: task, epoch: .max, fingerprint: "f", seed: .max, number: 9, window: 100..<228,
            tokens: [1, 2, 65_535],
            prime: 2, above: [3, 4], labels: labels, filter: Filter(temperature: 0.97, topK: 5, topP: 0.25),
            path: 1_000_000)
        guard case .assignment(let message) = try sent(.assignment(assignment)) else {
            Issue.record("no assignment")
            return
        }
        #expect(
            message.task.taskID == task && message.epoch == .max && message.fingerprint == "f" && message.seed == .max)
        #expect(message.number == 9 && message.start == 100 && message.end == 228 && message.prime == 2)
        #expect(message.tokens == [1, 2, 65_535] && message.above == [3, 4])
        #expect(message.hasLabels && message.labels.songLabels == labels)
        #expect(message.temperature == 0.97 && message.topK == 5 && message.topP == 0.25)
        #expect(message.path == 1_000_000)
        var bare = assignment
        bare.labels = nil
        bare.above = []
        guard case .assignment(let second) = try sent(.assignment(bare)) else {
            Issue.record("no assignment")
            return
        }
        #expect(!second.hasLabels && second.above.isEmpty)
    }

    @Test func `refusal, acknowledgement, revocation and the wish for a hello`() throws {
        guard case .refused(let refused) = try sent(.refused(reason: "no")),
            case .acknowledged(let acknowledged) = try sent(.acknowledged(task, 4, count: 256)),
            case .revoke(let revoke) = try sent(.revoke(task, 5, reason: "late")),
            case .helloWanted = try sent(.helloWanted)
        else {
            Issue.record("another message")
            return
        }
        #expect(refused.reason == "no")
        #expect(acknowledged.task.taskID == task && acknowledged.epoch == 4 && acknowledged.acknowledged == 256)
        #expect(revoke.task.taskID == task && revoke.epoch == 5 && revoke.reason == "late")
    }

    // MARK: from workers

    private func lease(_ acknowledged: UInt32) -> WireLease {
        var lease = WireLease()
        (lease.task, lease.epoch, lease.acknowledged) = (WireTask(task), 9, acknowledged)
        return lease
    }

    private func hello() -> WireWorkerHello {
        var hello = WireWorkerHello()
        (hello.version, hello.worker, hello.name, hello.model) = (1, "w", "host", "5b")
        hello.fingerprints = [0: "a", 2: "b"]
        (hello.slots, hello.tokensPerSecond, hello.held) = (8, 3.5, [lease(128)])
        return hello
    }

    @Test func `a hello becomes a worker; its proved key is part of who it is`() throws {
        var wanted = WorkerDescription(
            id: "w", name: "host", model: "5b", fingerprints: [0: "a", 2: "b"], slots: 8, tokensPerSecond: 3.5,
            held: [HeldLease(task: task, epoch: 9, acknowledged: 128)])
        #expect(try event(.hello(hello())) == .workerHello(peer, wanted))
        (wanted.id, wanted.machine) = ("KEY/w", "KEY")
        #expect(try event(.hello(hello()), provenKey: "KEY") == .workerHello(peer, wanted))
        var greedy = hello()
        greedy.slots = .max
        guard case .workerHello(_, let description) = try event(.hello(greedy)) else {
            Issue.record("no hello")
            return
        }
        #expect(description.slots == 256)
    }

    @Test func `heartbeats, failures and goodbyes become events`() throws {
        var heartbeat = WireHeartbeat()
        (heartbeat.held, heartbeat.tokensPerSecond, heartbeat.levelSpeeds) = ([lease(5)], 2, [0: 7, 2: 3])
        #expect(
            try event(.heartbeat(heartbeat))
                == .heartbeat(
                    peer, held: [HeldLease(task: task, epoch: 9, acknowledged: 5)], tokensPerSecond: 2,
                    levelSpeeds: [0: 7, 2: 3]))
        var failed = WireTaskFailed()
        (failed.task, failed.epoch, failed.reason) = (WireTask(task), 9, "NaN")
        #expect(try event(.failed(failed)) == .taskFailed(peer, task, 9, reason: "NaN"))
        #expect(try event(.goodbye(WireGoodbye())) == .goodbye(peer))
    }

    private func chunk() -> WireChunk {
        var chunk = WireChunk()
        (chunk.task, chunk.epoch, chunk.start, chunk.tokens) = (WireTask(task), 9, 128, [1, 2047, 65_535])
        chunk.hash = chunk.expectedHash
        return chunk
    }

    @Test func `a chunk becomes an event if its hash fits`() throws {
        #expect(
            try event(.chunk(chunk()))
                == .chunk(peer, Chunk(task: task, epoch: 9, start: 128, tokens: [1, 2047, 65_535])))
        let changes: [(inout WireChunk) -> Void] = [
            { $0.tokens[1] += 1 }, { $0.start += 1 }, { $0.epoch += 1 }, { $0.task.window += 1 }, { $0.hash ^= 1 },
            { $0.tokens = [] },
        ]
        for change in changes {
            var chunk = chunk()
            change(&chunk)
            #expect(try event(.chunk(chunk)) == nil)
        }
        var wide = chunk()
        wide.tokens[0] = 65_536
        wide.hash = wide.expectedHash
        #expect(try event(.chunk(wide)) == nil)
    }

    @Test func `a client's request is none of the core's business`() throws {
        #expect(try event(.request(WireClientRequest())) == nil)
    }

    @Test func `numbers at their limits do not trap`() throws {
        var hello = hello()
        hello.fingerprints = [.max: "x"]
        hello.held = [lease(.max)]
        hello.tokensPerSecond = .nan
        #expect(try event(.hello(hello)) != nil)
    }
}
