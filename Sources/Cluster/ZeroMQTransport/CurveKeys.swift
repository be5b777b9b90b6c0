import CZeroMQ

/// A CURVE public key: what a peer is known by.
package struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    /// 40 characters of Z85.
    package let z85: String

    /// - Throws: ``ZeroMQError`` if it is not 40 characters of Z85.
    package init(z85: String) throws {
        try checkKey(z85, kind: "public")
        self.z85 = z85
    }

    /// A key in the form in which libzmq hands it to its authentication handler.
    init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
        z85 = String(cString: &text)
    }

    package var description: String { z85 }
}

/// A CURVE public key and the secret that proves it. Never shown by string interpolation.
package struct CurveKeyPair: Sendable, CustomStringConvertible, CustomReflectable {
    package let publicKey: CurvePublicKey
    /// 40 characters of Z85, to be written to a ``KeyFile`` and nowhere else.
    package let secretKey: String

    /// - Throws: ``ZeroMQError`` if the secret is not a key, or not the one that belongs to the public key.
    package init(publicKey: CurvePublicKey, secretKey: String) throws {
        try checkKey(secretKey, kind: "secret")
        var derived = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&derived, secretKey) == 0 else {
            throw ZeroMQError("cannot derive the public key from a secret key")
        }
        guard String(cString: &derived) == publicKey.z85 else {
            throw ZeroMQError(
                explaining: "the secret key does not belong to the public key \(publicKey); make a new pair")
        }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A new random pair.
    package static func generate() throws -> CurveKeyPair {
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else {
            throw ZeroMQError("cannot make a CURVE key pair with this libzmq")
        }
        return try CurveKeyPair(
            publicKey: CurvePublicKey(z85: String(cString: &publicText)),
            secretKey: String(cString: &secretText))
    }

    package var description: String { "key pair of \(publicKey)" }

    package var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}

/// Throws unless `text` is 32 bytes in Z85: 8 groups of 5 characters, each a number below 2³². The text is
/// shown only if it is meant to be public.
private func checkKey(_ text: String, kind: String) throws {
    let shown = kind == "public" ? " \"\(text.prefix(60))\"" : ""
    let characters = Array(text.utf8)
    guard characters.count == 40 else {
        throw ZeroMQError(
            explaining: "the \(kind) key\(shown) has \(characters.count) characters; a key has 40 (Z85)")
    }
    for group in stride(from: 0, to: characters.count, by: 5) {
        var value: UInt64 = 0
        for character in characters[group..<group + 5] {
            guard let digit = z85Digits.firstIndex(of: character) else {
                throw ZeroMQError(explaining: "the \(kind) key\(shown) has a character that is not in Z85")
            }
            value = value * 85 + UInt64(digit)
        }
        guard value <= UInt64(UInt32.max) else {
            throw ZeroMQError(
                explaining: "the \(kind) key\(shown) is not Z85: one of its groups is too large")
        }
    }
}

/// ZeroMQ RFC 32: digits 0 to 84.
private let z85Digits = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)
