/// What the holder of a token may do over HTTP; each may do what the ones before may.
package enum TokenRole: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Sees and hears everything.
    case viewer
    /// Submits, ends and removes songs.
    case editor
    /// Decides about machines, and sees who was refused.
    case admin

    package static func < (one: TokenRole, other: TokenRole) -> Bool { one.rank < other.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .editor: 1
        case .admin: 2
        }
    }
}

/// Who asks.
package struct Caller: Sendable, Hashable {
    /// Of the token; empty where none is needed.
    package var name: String
    package var role: TokenRole

    /// Who is not asked for a token.
    static let anybody = Caller(name: "", role: .viewer)
}
