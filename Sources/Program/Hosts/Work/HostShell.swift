import Foundation

/// What is asked of one host: each function of `scripts/host.sh`, with its answer checked.
struct HostShell: Sendable {
    let host: String
    let shell: SecureShell
    /// The cluster's folder, as its file says.
    let folder: String

    init(host: String, folder: String, control: ControlFolder) {
        (self.host, self.folder) = (host, folder)
        shell = SecureShell(host: host, control: control)
    }

    private static let keeper = String(decoding: PackageResources.keep_sh, as: UTF8.self)

    private func ask(
        _ function: String, _ variables: [(name: String, value: String)] = [], bound: Duration = .seconds(60)
    ) throws -> HostAnswer {
        try shell.ask(function, [("dir", folder)] + variables, bound: bound)
    }

    /// - Parameter makesFolder: else nothing is changed there.
    func probe(makesFolder: Bool) throws -> HostState {
        let begin = Date().timeIntervalSince1970
        // The first connection may take a while, and is no part of how late its clock is asked.
        if makesFolder { _ = try ask("begin; end") }
        let middle = makesFolder ? Date().timeIntervalSince1970 : begin
        let answer = try ask("probe", [("make", makesFolder ? "yes" : "no")])
        return try HostState(answer, asked: (middle, Date().timeIntervalSince1970))
    }

    func own(_ owner: String) throws { _ = try ask("own", [("owner", owner)]) }

    // MARK: files

    /// Sizes of the files of a list that are in a folder.
    func have(_ paths: String, in folder: String) throws -> [String: Int] {
        let answer = try ask("have", [("folder", folder), ("list", paths)], bound: .seconds(120))
        return answer.all("have").reduce(into: [:]) { result, line in
            guard let space = line.firstIndex(of: " "), let size = HostAnswer.count(line[..<space]) else { return }
            result[String(line[line.index(after: space)...])] = size
        }
    }

    func prepare(_ paths: String, in folder: String) throws {
        _ = try ask("prepare", [("folder", folder), ("list", paths)])
    }

    /// - Parameter isFull: compares contents, and not sizes alone.
    /// - Returns: the paths of what differs.
    func check(_ payload: Payload, in folder: String, isFull: Bool) throws -> [String] {
        try ask(
            "check", [("folder", folder), ("list", payload.list), ("full", isFull ? "yes" : "no")],
            bound: Self.bound(payload)
        ).all("bad")
    }

    /// - Returns: the paths of what is not right, and was removed.
    func commit(_ payload: Payload, from part: String, to folder: String) throws -> [String] {
        try ask(
            "commit", [("part", part), ("folder", folder), ("list", payload.list), ("full", "yes")],
            bound: Self.bound(payload)
        ).all("bad")
    }

    /// 10 MB a second are read by the slowest disk that anybody would use.
    private static func bound(_ payload: Payload) -> Duration { .seconds(120 + payload.bytes / 10_000_000) }

    /// - Returns: what the program there says of its version.
    func tryProgram(_ version: String) throws -> String {
        let said = try ask("try", [("version", version)], bound: .seconds(120))["version"] ?? ""
        return HostFault.plain(said)
    }

    /// The same, and nothing is changed there.
    func programVersion(_ version: String) throws -> String {
        HostFault.plain(try ask("version", [("version", version)])["version"] ?? "")
    }

    /// - Returns: the model's path there, and the fingerprints of its levels.
    func inspect(_ model: String, version: String, options: [String]) throws -> (path: String, fingerprints: [String]) {
        let answer = try ask(
            "inspect",
            [
                ("version", version), ("model", model),
                ("options", options.map(ShellWord.quoted).joined(separator: " ")),
            ],
            // The weights are read whole once.
            bound: .seconds(7200))
        guard let path = answer["path"], let report = answer["model"],
            let parts = try? JSONDecoder().decode(InspectedModel.self, from: Data(report.utf8))
        else { throw HostFault("what the program there says of the model cannot be read") }
        return (path, parts.fingerprints)
    }

    // MARK: keys

    /// - Returns: the public half of a key pair that the host has for itself.
    func ownKey(_ pair: String, version: String) throws -> String {
        let answer = try ask("own_key", [("version", version), ("pair", pair)])
        guard let key = answer["public"], Self.isKey(key) else { throw HostFault("its key pair cannot be read") }
        return key
    }

    static func isKey(_ text: String) -> Bool {
        text.utf8.count == 40 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"'\\`,;_|~".utf8.contains($0) }
    }

    struct Allowed {
        /// The coordinator's own key.
        var key: String
        /// The state was made just now.
        var isNew: Bool
        /// Lines of the list: key, role, name.
        var lines: [String]
        var refusals: [String]
    }

    func allow(_ keys: [(key: String, role: String, name: String)], version: String) throws -> Allowed {
        let list = keys.map { "\($0.key) \($0.role) \($0.name)" }.joined(separator: "\n")
        let answer = try ask("allow", [("version", version), ("list", list)], bound: .seconds(300))
        guard let key = answer["public"], Self.isKey(key) else {
            throw HostFault("the coordinator's key cannot be read")
        }
        return Allowed(
            key: key, isNew: answer["new"] == "yes", lines: answer.all("allowed"), refusals: answer.all("refused"))
    }

    func disallow(_ keys: [String], version: String) throws {
        guard !keys.isEmpty else { return }
        _ = try ask("disallow", [("version", version), ("list", keys.joined(separator: "\n"))])
    }

    // MARK: parts

    /// Starts what does not run yet with just this command.
    ///
    /// - Parameters:
    ///   - serverKey: the coordinator's public key, for workers.
    ///   - service: the unit of systemd with its name, where one is wanted.
    ///   - grace: seconds that what runs may take to leave.
    /// - Returns: whether it was started.
    func start(_ command: PartCommand, serverKey: String?, service: UserService?, cluster: String, grace: Int) throws
        -> Bool
    {
        try ask(
            "start",
            [
                ("unit", command.unit), ("command", command.text), ("serverkey", serverKey ?? ""),
                ("keeper", Self.keeper),
                ("service", service == nil ? "no" : "yes"), ("description", service?.text ?? ""),
                ("name", UserService.prefix(cluster)), ("grace", "\(grace)"),
            ], bound: .seconds(grace + 120))["started"] == "yes"
    }

    /// - Returns: what ran of them, and what had to be killed.
    func stop(_ units: [String], cluster: String, grace: Int) throws -> (stopped: [String], killed: [String]) {
        guard !units.isEmpty else { return ([], []) }
        let answer = try ask(
            "stop",
            [("list", units.joined(separator: " ")), ("name", UserService.prefix(cluster)), ("grace", "\(grace)")],
            bound: .seconds((grace + 30) * units.count))
        return (answer.all("stopped"), answer.all("killed"))
    }

    struct Look {
        var isRunning: Bool
        /// Since it was started.
        var deaths: Int
        /// Of a coordinator that listens.
        var endpoint: String?
        var lastWords: [String]
    }

    func look(_ unit: String, lines: Int = 4) throws -> Look {
        let answer = try ask("look", [("unit", unit), ("lines", "\(lines)")])
        return Look(
            isRunning: answer["running"] == "yes", deaths: answer.count("deaths") ?? 0,
            endpoint: answer["endpoint"].flatMap { $0.isEmpty ? nil : $0 }, lastWords: answer.all("log"))
    }

    /// Asks the coordinator by the program on its own machine.
    ///
    /// - Returns: its JSON.
    func askCoordinator(_ arguments: [String], at endpoint: String, version: String, seconds: Int = 30) throws -> Data {
        let answer = try ask(
            "ask",
            [
                ("version", version), ("options", arguments.map(ShellWord.quoted).joined(separator: " ")),
                ("connect", endpoint), ("patience", "\(seconds)"),
            ], bound: .seconds(seconds + 30))
        return Data((answer["answer"] ?? "").utf8)
    }

    func show(_ units: [String], lines: Int) throws -> [String] {
        try ask("show", [("list", units.joined(separator: " ")), ("lines", "\(lines)")]).all("log")
    }

    func prune(keeping: [String]) throws {
        _ = try ask("prune", [("keep", "|" + keeping.joined(separator: "|") + "|")], bound: .seconds(300))
    }
}

/// The part of `model inspect --json` that is compared.
private struct InspectedModel: Decodable {
    struct Part: Decodable {
        var name: String
        var fingerprint: String?
    }
    var parts: [Part]
    var fingerprints: [String] { parts.compactMap { part in part.fingerprint.map { "\(part.name) \($0)" } } }
}
