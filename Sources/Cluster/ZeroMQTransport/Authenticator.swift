import CZeroMQ
import ClusterProtocol

/// Answers libzmq's question whether a peer with this key may connect (ZAP, ZeroMQ RFC 27): its handler's
/// address is fixed, so a context has one.
final class Authenticator: LoopService {
    static let endpoint = "inproc://zeromq.zap.01"
    /// The one domain that this handler answers for.
    static let domain = "orchestrion"

    let socket: ZeroMQSocket
    /// Who may come, with what they may do then; by the key as libzmq hands it back with each message.
    private var roles: [String: PeerRoles]
    private(set) var refusalCount = 0
    private var refusals = RefusalList()

    private static func names(
        _ allowed: Set<CurvePublicKey>, _ roles: [CurvePublicKey: PeerRoles]
    ) -> [String: PeerRoles] {
        Dictionary(uniqueKeysWithValues: allowed.map { ($0.z85, roles[$0] ?? .admin) })
    }

    init(_ context: ZeroMQContext, allowed: Set<CurvePublicKey>) throws {
        roles = Self.names(allowed, [:])
        socket = try ZeroMQSocket(context, type: ZMQ_ROUTER)
        try socket.set(ZMQ_LINGER, to: 0)
        do {
            try socket.bind(to: Self.endpoint)
        } catch {
            throw ZeroMQError(
                explaining:
                    "\(error): a ZeroMQContext has room for one server with CURVE; use another context")
        }
    }

    deinit {
        close()
    }

    /// Answers what has been asked, but no more than 64 at a time, so that strangers cannot crowd out
    /// messages.
    func serve() throws {
        for _ in 0..<64 {
            guard let request = try socket.receive(frameLimit: 16) else { return }
            guard request.frameCount == request.frames.count, let reply = answer(request.frames) else {
                continue
            }
            for (index, frame) in reply.enumerated() {
                guard try socket.send(frame, more: index < reply.count - 1) == .sent else { break }
            }
        }
    }

    func close() {
        // Unbinding frees the address at once; closing would do it some time later, on libzmq's thread.
        socket.unbind(from: Self.endpoint)
        socket.close(lingering: .zero)
    }

    /// Replaces the keys that are let in.
    ///
    /// - Parameter roles: what they may do; everything, those that are not in it.
    func allow(_ allowed: Set<CurvePublicKey>, roles: [CurvePublicKey: PeerRoles] = [:]) {
        self.roles = Self.names(allowed, roles)
    }

    /// What the holder of a user id of ours, which is a key, may still do; nil for one that is not allowed any more.
    func roles(of userID: String) -> PeerRoles? { roles[userID] }

    func takeRefusals() -> [ConnectionRefusal] { refusals.take() }

    /// The frames to answer a request with, which go back the way it came; nil if there is no telling where.
    func answer(_ frames: [[UInt8]]) -> [[UInt8]]? {
        guard let request = AdmissionRequest(frames) else { return nil }
        switch request.content {
        case .malformed(let why): return request.refusal(why)
        case .key(let key, let address):
            guard roles[key.z85] != nil else {
                refusalCount += 1
                note(.keyNotAllowed, key: key.z85, address: address)
                return request.refusal("key not allowed")
            }
            return request.admission(of: key)
        }
    }

    /// Somebody is not heard, whose key it is.
    func note(
        _ reason: ConnectionRefusal.Reason, key: String, address: String, connection: ConnectionID? = nil
    ) {
        refusals.add(
            ConnectionRefusal(
                address: address.hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address, key: key,
                reason: reason, connection: connection))
    }
}
