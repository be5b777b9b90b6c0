import ClusterProtocol
import SongFiles
import SongPlan

/// Clients that wait to hear whether their song is taken on.
struct AwaitedAnswers {
    private struct Waiting {
        var connection: ConnectionID
        var number: UInt64
        var warnings: [String] = []
    }
    private var waiting: [SongID: Waiting] = [:]

    /// Whether the same request is being prepared already: clients send again what is not answered.
    func has(_ song: SongID, from connection: ConnectionID, number: UInt64) -> Bool {
        waiting[song].map { $0.connection == connection && $0.number == number } ?? false
    }

    /// Whether no more may wait, in all or of one client.
    func isFull(of connection: ConnectionID) -> Bool {
        waiting.count >= Self.most
            || waiting.count >= Self.mostOfOne
                && waiting.values.count { $0.connection == connection } >= Self.mostOfOne
    }

    private static let (most, mostOfOne) = (1000, 500)

    /// - Parameter number: of the request.
    mutating func add(_ song: SongID, from connection: ConnectionID, number: UInt64) {
        waiting[song] = Waiting(connection: connection, number: number)
    }

    /// What the client is told with the answer, if that is yes.
    mutating func warn(_ song: SongID, _ warnings: [String]) { waiting[song]?.warnings = warnings }

    /// The song is taken on.
    mutating func accept(_ song: SongID, tokens: Int) -> AddressedReply? {
        waiting.removeValue(forKey: song).map {
            AddressedReply(
                connection: $0.connection, number: $0.number,
                reply: .submitted(song, tokens: tokens, warnings: $0.warnings))
        }
    }

    mutating func refuse(_ song: SongID, _ reason: String, _ kind: SongError.Kind = .other) -> AddressedReply? {
        waiting.removeValue(forKey: song).map {
            AddressedReply(connection: $0.connection, number: $0.number, reply: .refused(reason, kind))
        }
    }
}

/// A reply on its way to a client.
struct AddressedReply {
    var connection: ConnectionID
    /// Of the request.
    var number: UInt64
    var reply: ClientReply
}
