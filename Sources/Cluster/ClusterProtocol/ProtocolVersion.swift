/// The version of the protocol that this program speaks.
///
/// Peers of the same version interoperate. New optional fields do not raise it: protobuf ignores what it does not
/// know. A change that an older peer would misread does.
package enum ProtocolVersion {
    package static let current: UInt32 = 1

    /// nil, or why a peer of that version cannot be served.
    package static func refusal(of version: UInt32) -> String? {
        version == current
            ? nil
            : "the peer speaks protocol version \(version), this program version \(current); install the same "
                + "release of orchestrion on both machines"
    }
}

/// The release of this program.
package enum ProgramVersion {
    package static let current = "0.1"
}
