package import ClusterProtocol

/// How the coordinator knows its peers.
package enum ServerSecurity: Sendable {
    /// Anyone who can connect is let in, and anyone on the way can read and change what is said.
    case open

    /// CURVE: everything is encrypted, and only peers that hold the secret key of an allowed public key are
    /// let in.
    ///
    /// - Parameter roles: what they may do; everything, those that are not in it.
    case curve(CurveKeyPair, allowed: Set<CurvePublicKey>, roles: [CurvePublicKey: PeerRoles] = [:])
}

/// How a worker or a client knows the coordinator, and is known to it.
package enum ClientSecurity: Sendable {
    /// For a coordinator that is ``ServerSecurity/open``.
    case open

    /// CURVE: connects only to the holder of the server's secret key.
    case curve(CurveKeyPair, server: CurvePublicKey)
}

/// How many bytes CURVE adds to a frame: its command name (8), nonce (8), authenticator (16) and flags (1).
let curveFrameOverhead = 33
