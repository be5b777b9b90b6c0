import Foundation
import ZeroMQTransport

/// What one place says of how to reach a coordinator: options, the environment or a file.
struct ConnectionLayer: Equatable {
    var connect: String?
    /// A public key, or a file with one.
    var serverKey: String?
    /// A file.
    var key: String?
    var insecure = false
    /// What the place calls its settings, for errors.
    var names = Names.options

    /// Whether it says all that there is to say.
    var isComplete: Bool { connect != nil && (insecure || serverKey != nil && key != nil) }

    struct Names: Equatable {
        var connect, serverKey, key, insecure: String
        static let options = Names(
            connect: "--connect", serverKey: "--server-key", key: "--key", insecure: "--insecure")
        static let environment = Names(
            connect: "$ORCHESTRION_CONNECT", serverKey: "$ORCHESTRION_SERVER_KEY", key: "$ORCHESTRION_KEY",
            insecure: "$ORCHESTRION_INSECURE")
        static func file(_ path: String) -> Names {
            Names(
                connect: "connect in \(path)", serverKey: "server_key in \(path)", key: "key in \(path)",
                insecure: "insecure in \(path)")
        }
    }

    static func environment(_ environment: [String: String]) -> ConnectionLayer {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        return ConnectionLayer(
            connect: value("ORCHESTRION_CONNECT"), serverKey: value("ORCHESTRION_SERVER_KEY"),
            key: value("ORCHESTRION_KEY"),
            insecure: !["", "0", "no", "false"].contains(environment["ORCHESTRION_INSECURE"] ?? ""),
            names: .environment)
    }
}

/// The three places together.
struct ConnectionSettings: Equatable {
    var connect = ConnectionOptions.defaultEndpoint
    var serverKey: String?
    var key: String?
    var insecure = false
    /// For errors: where each comes from.
    private(set) var names = ConnectionLayer.Names.options
    /// Whether a place says where the coordinator is.
    private(set) var isConnectSet = false

    /// - Parameter layers: what comes first counts. That a coordinator has no keys is said of the address beside it, and
    ///   does not hold for another; its key holds for another machine's address, too, but not for this machine's, where
    ///   there may be none.
    /// - Throws: `CommandError` for a place that contradicts itself.
    init(_ layers: [ConnectionLayer]) throws {
        for layer in layers where layer.insecure && layer.serverKey != nil {
            throw CommandError(
                "\(layer.names.insecure) is without keys; leave it away, or \(layer.names.serverKey) and "
                    + layer.names.key)
        }
        if let layer = layers.first(where: { $0.connect != nil }) {
            connect = layer.connect ?? connect
            (names.connect, isConnectSet) = (layer.names.connect, true)
        }
        if let layer = layers.first(where: { $0.key != nil }) {
            key = layer.key
            names.key = layer.names.key
        }
        let place = connect
        let isOpen = (try? TCPEndpoint(parsing: place))?.isLoopback ?? true
        let naming = layers.firstIndex { $0.connect != nil } ?? layers.count
        let ofPlace = layers.enumerated().filter { index, layer in
            let isSame = layer.connect.map { Self.isSame($0, place) } ?? (index <= naming)
            return isSame || layer.serverKey != nil && !isOpen
        }.map(\.element)
        if let layer = ofPlace.first(where: { $0.serverKey != nil || $0.insecure }) {
            (serverKey, insecure) = (layer.serverKey, layer.insecure)
            (names.serverKey, names.insecure) = (layer.names.serverKey, layer.names.insecure)
        }
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        guard let one = try? TCPEndpoint(parsing: one), let other = try? TCPEndpoint(parsing: other) else {
            return one == other
        }
        return one == other
    }
}
