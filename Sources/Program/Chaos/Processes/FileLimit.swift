import Foundation

/// A limit on the size of a process's files, as `ulimit -f` sets it: nothing may grow. It needs no rights.
package final class FileLimit {
    private var isOn = false
    /// What may still be written. The journal and its log are larger.
    package static let bytes = 4096

    package init() {}

    /// - Parameter process: that writes; nil while none runs.
    /// - Throws: `ChaosError`.
    package func begin(_ process: OwnProcess?) throws {
        isOn = true
        if let process { try set("\(Self.bytes)", process) }
    }

    /// The process was started anew.
    package func follow(_ process: OwnProcess) throws { if isOn { try set("\(Self.bytes)", process) } }

    /// Files may grow again.
    ///
    /// - Returns: whether they could not until now.
    package func end(_ process: OwnProcess?) -> Bool {
        isOn = false
        guard let process, Self.limit(process.pid) == "\(Self.bytes)" else { return false }
        return (try? set(Self.limit(getpid()) ?? "unlimited", process)) != nil
    }

    /// The most stays, so that this can be raised again without rights.
    private func set(_ bytes: String, _ process: OwnProcess) throws {
        try Tool.need(["prlimit", "--fsize=\(bytes):", "--pid", "\(process.pid)"])
    }

    private static func limit(_ process: pid_t) -> String? {
        let file = FileManager.default.contents(atPath: "/proc/\(process)/limits") ?? Data()
        let line = String(decoding: file, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Max file size") }
        return line?.dropFirst("Max file size".count).split(separator: " ").first.map(String.init)
    }
}
