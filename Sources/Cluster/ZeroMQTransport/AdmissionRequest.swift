/// What libzmq asks for each peer that wants to connect (ZAP, ZeroMQ RFC 27), before anything of the peer is known to be
/// true.
///
/// Request: routing id, empty, version, request id, domain, address, routing id of the peer, mechanism, key. Reply: routing
/// id, empty, version, request id, status code, text, user id, metadata.
package struct AdmissionRequest: Sendable {
    package enum Content: Sendable, Hashable {
        /// Why nobody can be let in by it.
        case malformed(String)
        /// Somebody who has proved to hold the key, at that address.
        case key(CurvePublicKey, address: String)
    }

    package let content: Content
    /// Routing id and request id: where the reply goes.
    private let (route, number): ([UInt8], [UInt8])

    /// nil when there is no telling whom to answer.
    package init?(_ frames: [[UInt8]]) {
        guard frames.count >= 4, frames[1].isEmpty else { return nil }
        (route, number) = (frames[0], frames[3])
        content = Self.content(frames)
    }

    private static func content(_ frames: [[UInt8]]) -> Content {
        guard frames.count == 9, frames[2] == version else { return .malformed("malformed request") }
        guard frames[4] == Array(Authenticator.domain.utf8) else { return .malformed("unknown domain") }
        guard frames[7] == Array("CURVE".utf8), let key = CurvePublicKey(bytes: frames[8]) else {
            return .malformed("CURVE is required")
        }
        return .key(key, address: String(decoding: frames[5], as: UTF8.self))
    }

    private static let version = Array("1.0".utf8)

    /// The frames that keep the peer out.
    package func refusal(_ text: String) -> [[UInt8]] { reply("400", text, user: "") }

    /// The frames that let it in, under its key.
    package func admission(of key: CurvePublicKey) -> [[UInt8]] { reply("200", "OK", user: key.z85) }

    private func reply(_ status: String, _ text: String, user: String) -> [[UInt8]] {
        [route, [], Self.version, number, Array(status.utf8), Array(text.utf8), Array(user.utf8), []]
    }
}
