package import Foundation
package import OptionLayers

/// Reads `cluster.toml`. What it does not understand is refused.
package struct ClusterFileReader {
    private let path: String
    private let coordinator: OptionTable
    private let worker: OptionTable

    /// Workers of a host, and hosts. A cluster of more is a batch system's.
    private static let (mostWorkers, mostHosts) = (64, 64)
    package static let standardPort = 5550

    /// - Parameters:
    ///   - path: of the file, for messages and as what relative paths are seen from.
    ///   - coordinator: the options of `orchestrion coordinator`.
    ///   - worker: the options of `orchestrion worker`.
    package init(path: String, coordinator: OptionTable, worker: OptionTable) {
        (self.path, self.coordinator, self.worker) = (path, coordinator, worker)
    }

    private typealias Section = [String: SettingsTree]

    private static let names = [
        "name", "folder", "program", "model", "model-on-hosts", "preset", "profile", "start", "coordinator", "worker",
    ]

    /// Options that follow from the rest of the file.
    private static let takenOfAll = [
        "model": "model in the file's first lines names it", "preset": "preset in the file's first lines says it",
        "profile": "profile in the file's first lines says it", "key": "keys are made by orchestrion up",
        "config": "write the options here", "insecure": "all connections have keys",
        "secure": "all connections have keys",
    ]
    private static let takenOfCoordinator = takenOfAll.merging([
        "listen": "it is coordinator.listen and coordinator.port", "state": "it is in the cluster's folder",
        "allow": "keys are let in by orchestrion up", "endpoint-file": "orchestrion up reads it",
        "restore": "orchestrion coordinator --restore is run by hand, in the cluster's folder",
    ]) { $1 }
    private static let takenOfWorker = takenOfAll.merging([
        "connect": "it is coordinator.address and coordinator.port", "server-key": "keys are made by orchestrion up",
        "name": "workers are called HOST:NUMBER",
    ]) { $1 }

    /// - Throws: `SettingError`.
    package func read(_ content: Data) throws -> ClusterFile {
        let all = try SettingsTree.read(content, path: path)
        try check(all, of: Self.names, at: path)
        let name = try text("name", in: all, path) ?? standardName
        guard Self.isName(name) else {
            throw SettingError("\(path): name \(name) must be 1 to 40 letters, digits and dashes")
        }
        guard case .table(let first)? = all["coordinator"] else {
            throw SettingError("\(path): a section [coordinator] with host = \"…\" is missing")
        }
        let file = ClusterFile(
            name: name, folder: try remoteFolder("folder", in: all) ?? "~/.local/share/orchestrion/\(name)",
            program: try text("program", in: all, path).map(located), model: try model(all),
            modelOptions: try modelOptions(all), start: try start(all), coordinator: try coordinatorPart(first),
            workers: try workers(all["worker"]))
        guard file.hosts.count <= Self.mostHosts else {
            throw SettingError(
                "\(path) names \(file.hosts.count) hosts, and at most \(Self.mostHosts) are served; use Slurm")
        }
        for host in file.hosts where file.workers(on: host).count > Self.mostWorkers {
            throw SettingError("\(path): \(host) has more than \(Self.mostWorkers) workers")
        }
        return file
    }

    // MARK: the parts

    private var standardName: String {
        let stem = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        return String(String.UnicodeScalarView(stem.unicodeScalars.map { Self.isPlain($0) ? $0 : "-" }).prefix(40))
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-")
    }

    private static func isName(_ text: String) -> Bool {
        (1...40).contains(text.count) && text.unicodeScalars.allSatisfy(isPlain) && !text.hasPrefix("-")
    }

    private func model(_ all: Section) throws -> ClusterFile.ModelPlace {
        let (here, there) = (try text("model", in: all, path), try remoteFolder("model-on-hosts", in: all))
        guard here == nil || there == nil else {
            throw SettingError(
                "\(path): model is a folder that is copied from here, model-on-hosts one that the hosts have; write one of them"
            )
        }
        if let there { return .there(there) }
        guard let here, here != "music-box" else { return .musicBox }
        return .here(located(here))
    }

    private func modelOptions(_ all: Section) throws -> [String] {
        try ["preset", "profile"].flatMap { name in
            try worker.arguments(all[name].map { [name: $0] } ?? [:], place: path, taken: [:])
        }
    }

    private func start(_ all: Section) throws -> ClusterFile.StartMode {
        guard let text = try text("start", in: all, path) else { return .auto }
        guard let mode = ClusterFile.StartMode(rawValue: text) else {
            let modes = ClusterFile.StartMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingError("\(path): start is one of \(modes), not \(text)")
        }
        return mode
    }

    private func coordinatorPart(_ section: Section) throws -> ClusterFile.CoordinatorPart {
        let place = "\(path), [coordinator]"
        try check(section, of: ["host", "address", "port", "listen", "options"], at: place)
        let port = try number("port", in: section, place, 1...65_535) ?? Self.standardPort
        let address = try text("address", in: section, place)
        if let address, !Self.isAddress(address) {
            throw SettingError(
                "\(place): address is the host's name or address alone, such as 10.0.0.1; the port is port")
        }
        let listen = try text("listen", in: section, place) ?? "0.0.0.0"
        guard Self.isAddress(listen) || listen == "*" else {
            throw SettingError("\(place): listen is an address of the host, such as 0.0.0.0 for all; the port is port")
        }
        return ClusterFile.CoordinatorPart(
            host: try host(in: section, place), address: address, port: port, listen: listen,
            options: try coordinator.arguments(
                try options(in: section, place), place: "\(place), options", taken: Self.takenOfCoordinator))
    }

    private static func isAddress(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && !text.contains("://")
            && text.unicodeScalars.allSatisfy { isPlain($0) || "._:[]".unicodeScalars.contains($0) }
            && (text.hasPrefix("[") || !text.contains(":"))
    }

    private func workers(_ tree: SettingsTree?) throws -> [ClusterFile.WorkerPart] {
        guard case .list(let parts)? = tree, !parts.isEmpty else {
            throw SettingError("\(path): sections [[worker]] with host = \"…\" are missing")
        }
        return try parts.enumerated().flatMap { index, part in
            let place = "\(path), [[worker]] number \(index + 1)"
            guard case .table(let section) = part else { throw SettingError("\(place) is no section") }
            try check(section, of: ["host", "hosts", "count", "options"], at: place)
            let count = try number("count", in: section, place, 1...Self.mostWorkers) ?? 1
            let options = try worker.arguments(
                try options(in: section, place), place: "\(place), options", taken: Self.takenOfWorker)
            return try hosts(in: section, place).map {
                ClusterFile.WorkerPart(host: $0, count: count, options: options)
            }
        }
    }

    private func hosts(in section: Section, _ place: String) throws -> [String] {
        guard let tree = section["hosts"] else { return [try host(in: section, place)] }
        guard section["host"] == nil else { throw SettingError("\(place): write either host or hosts") }
        guard case .list(let list) = tree, !list.isEmpty else {
            throw SettingError("\(place): hosts is a list of names in quotes")
        }
        return try list.map { try Self.checked(host: $0, place) }
    }

    private func host(in section: Section, _ place: String) throws -> String {
        guard let tree = section["host"] else { throw SettingError("\(place): host is missing") }
        return try Self.checked(host: tree, place)
    }

    private static func checked(host tree: SettingsTree, _ place: String) throws -> String {
        guard case .text(let host) = tree, !host.isEmpty, !host.hasPrefix("-"), host.utf8.count <= 255,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"'\"\\`$;&|<>()*?!#,".utf8.contains($0) })
        else {
            throw SettingError(
                "\(place): a host is a word in quotes, as ssh takes it: NAME, USER@NAME, an alias of ~/.ssh/config, or "
                    + "ssh://USER@NAME:PORT")
        }
        return host
    }

    // MARK: values

    private func check(_ section: Section, of names: [String], at place: String) throws {
        for name in section.keys.sorted() where !names.contains(name) {
            throw SettingError.unknown(name, in: place, of: names)
        }
    }

    private func options(in section: Section, _ place: String) throws -> Section {
        guard let tree = section["options"] else { return [:] }
        guard case .table(let options) = tree else {
            throw SettingError("\(place): options is a section: options = { slots = 4 }")
        }
        return options
    }

    private func text(_ name: String, in section: Section, _ place: String) throws -> String? {
        guard let tree = section[name] else { return nil }
        guard case .text(let text) = tree, !text.isEmpty, ShellWord.isOneLine(text) else {
            throw SettingError("\(place): \(name) is a word in quotes")
        }
        return text
    }

    private func number(_ name: String, in section: Section, _ place: String, _ range: ClosedRange<Int>) throws -> Int?
    {
        guard let tree = section[name] else { return nil }
        guard case .number(let number) = tree, range.contains(number) else {
            throw SettingError("\(place): \(name) is a number of \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func remoteFolder(_ name: String, in section: Section) throws -> String? {
        guard var folder = try text(name, in: section, path) else { return nil }
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        guard folder.hasPrefix("/") || folder.hasPrefix("~/"), folder.count > 1,
            !folder.split(separator: "/").contains("..")
        else {
            throw SettingError(
                "\(path): \(name) is a whole path on the hosts: /srv/orchestrion, or ~/orchestrion in the home there")
        }
        return folder
    }

    /// A path of this machine, as seen from the file's folder.
    private func located(_ path: String) -> String {
        let expanded = path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : path
        let folder = URL(fileURLWithPath: self.path).deletingLastPathComponent()
        return URL(fileURLWithPath: expanded, relativeTo: folder).standardizedFileURL.path
    }
}
