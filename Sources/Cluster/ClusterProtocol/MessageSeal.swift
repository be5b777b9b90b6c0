import Digest
import SwiftProtobuf

/// The last field of a payload: a hash of all bytes before it. A message that was changed on its way or in memory is found,
/// whichever bit it was, and whatever kind it is; that is a matter of chance and wear, not of enemies, which CURVE keeps
/// out.
package enum MessageSeal {
    /// How a payload ends.
    package enum State: Sendable, Hashable {
        /// As of a peer of before.
        case absent
        case right
        case wrong
    }

    /// Field 90 as fixed64, as protobuf writes it.
    private static let tag: [UInt8] = [0xD1, 0x05]
    private static let size = 10

    package static func sealed(_ payload: [UInt8]) -> [UInt8] { payload + tag + hash(payload[...]) }

    package static func state(_ payload: [UInt8]) -> State {
        guard payload.count >= size else { return .absent }
        let end = payload.count - size
        guard Array(payload[end..<end + tag.count]) == tag else { return .absent }
        return hash(payload[..<end]) == Array(payload[(end + tag.count)...]) ? .right : .wrong
    }

    /// Little-endian.
    private static func hash(_ payload: ArraySlice<UInt8>) -> [UInt8] {
        let value = payload.withUnsafeBytes { Digest.short($0) }
        return (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

/// Which peers seal their messages: what comes from one of them without a seal has lost it on the way.
package struct SealBook: Sendable {
    private var sealing: Set<ConnectionID> = []
    /// Connections come and go; what is forgotten is learned again by the next message.
    private let most: Int

    package init(most: Int = 4096) { self.most = most }

    /// Whether a payload may be what was sent.
    package mutating func accepts(_ payload: [UInt8], from connection: ConnectionID) -> Bool {
        switch MessageSeal.state(payload) {
        case .right:
            if sealing.count >= most, !sealing.contains(connection) { sealing = [] }
            sealing.insert(connection)
            return true
        // By chance the data of an older peer may look like a wrong seal: decoding tells.
        case .absent, .wrong: return !sealing.contains(connection)
        }
    }

    /// The peer may be another from now on.
    package mutating func forget(_ connection: ConnectionID) { sealing.remove(connection) }
}

/// A message with a seal.
protocol SealedMessage: SwiftProtobuf.Message {
    var hasSeal: Bool { get }
    mutating func clearSeal()
}

extension WireToCoordinator: SealedMessage {}
extension WireFromCoordinator: SealedMessage {}
