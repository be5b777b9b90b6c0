/// What a host says of itself.
package struct HostState: Sendable, Equatable {
    /// The cluster's folder there, whole.
    package var folder: String
    /// What the machine calls itself.
    package var name: String
    package var architecture: String
    package var cores: Int
    /// Bytes.
    package var memory: Int
    package var available: Int
    /// Bytes that are free where the folder is.
    package var disk: Int
    /// Seconds by which its clock is ahead of this machine's.
    package var clock: Double
    /// Boot, folder and name: two hosts with the same are one.
    package var place: String?
    /// Whose the folder is; nil: nobody's yet.
    package var owner: String?
    /// Digest of the program that came last.
    package var version: String?
    /// Services of this user outlive the login.
    package var hasServices: Bool
    package var units: [Unit]

    package struct Unit: Sendable, Equatable {
        package enum State: String, Sendable { case running, stopped, orphan }
        package var name: String
        package var state: State
        /// Of the command that runs.
        package var command: String
        /// How often it ended by itself.
        package var deaths: Int
    }

    /// - Parameters:
    ///   - sent: when it was asked, and when it had answered, in seconds since 1970.
    /// - Throws: `HostFault` for what makes no sense.
    package init(_ answer: HostAnswer, asked: (begin: Double, end: Double)) throws {
        func text(_ key: String, _ isGood: (String) -> Bool) throws -> String {
            guard let text = answer[key], isGood(text) else { throw HostFault("it does not say its \(key)") }
            return text
        }
        func kilobytes(_ key: String) -> Int { (answer.count(key) ?? 0) << 10 }
        guard answer["system"] == "Linux" else {
            throw HostFault("it runs \(answer["system"] ?? "?"), and Linux is needed")
        }
        folder = try text("dir") { $0.hasPrefix("/") }
        name = try text("host") { !$0.isEmpty && !$0.contains("/") && $0.count <= 255 }
        architecture = try text("arch") { !$0.isEmpty && $0.count <= 32 }
        cores = answer.count("cores") ?? 1
        (memory, available, disk) = (kilobytes("memory"), kilobytes("available"), kilobytes("disk"))
        // Its seconds are whole.
        clock = (answer.count("time").map { Double($0) + 0.5 } ?? asked.begin) - (asked.begin + asked.end) / 2
        if abs(clock) <= 1 + (asked.end - asked.begin) / 2 { clock = 0 }
        (place, owner) = (answer["place"], answer["owner"].flatMap { $0.isEmpty ? nil : $0 })
        version = answer["current"].map { String($0.split(separator: "/").last ?? "") }
            .flatMap { HostAnswer.isDigest($0) ? $0 : nil }
        hasServices = answer["services"] == "yes"
        units = answer.all("unit").compactMap(Self.unit)
    }

    private static func unit(_ line: String) -> Unit? {
        let parts = line.split(separator: " ")
        guard parts.count == 4, let state = Unit.State(rawValue: String(parts[1])), isUnit(parts[0]) else { return nil }
        return Unit(
            name: String(parts[0]), state: state, command: String(parts[2]), deaths: HostAnswer.count(parts[3]) ?? 0)
    }

    /// Only what this program starts.
    static func isUnit(_ name: some StringProtocol) -> Bool {
        name == "coordinator" || name.hasPrefix("worker-") && HostAnswer.count(name.dropFirst(7)) != nil
    }
}
