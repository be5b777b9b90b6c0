import Foundation
import Synchronization
import TestSupport

/// A disk that fails: `Tests/Shims/disk_faults.c`, built once a run and loaded before a program.
package struct DiskShim: Sendable {
    /// What happens to the program, or to one of its calls.
    package enum Fault: Sendable, Hashable, CustomStringConvertible {
        /// The process ends before the change with this number.
        case killBefore(Int)
        /// It ends when half of the write is done.
        case killHalf(Int)
        /// It ends after it.
        case killAfter(Int)
        /// The call with this number fails, and then each `step`-th.
        case fail(Refusal, call: Int, step: Int? = nil)

        package var description: String {
            switch self {
            case .killBefore(let place): "kill-before \(place)"
            case .killHalf(let place): "kill-half \(place)"
            case .killAfter(let place): "kill-after \(place)"
            case .fail(let refusal, let call, let step):
                "fail \(refusal.rawValue) \(call)" + (step.map { " \($0)" } ?? "")
            }
        }
    }

    /// What a system says that will not do something.
    package enum Refusal: String, Sendable, CaseIterable {
        case full = "ENOSPC"
        case brokenDisk = "EIO"
        case readOnly = "EROFS"
        case quota = "EDQUOT"
        case stale = "ESTALE"
        case descriptors = "EMFILE"

        /// Whether a system says so of such a call.
        package func isSaid(of call: WriteLog.Operation) -> Bool {
            switch self {
            case .brokenDisk, .stale: call != .mark
            case .full, .quota: [.open, .write, .sync, .truncate, .rename, .makeFolder, .close].contains(call)
            case .readOnly: [.open, .rename, .unlink, .makeFolder, .removeFolder].contains(call)
            case .descriptors: call == .open
            }
        }
    }

    /// The library; nil where none can be built.
    package static let library: String? = {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Shims/disk_faults.c").path
        guard let folder = try? TestFolder.make("shim") else { return nil }
        for compiler in ["cc", "clang", "gcc"] {
            let target = "\(folder)/disk_faults.so"
            let process = try? ChildProcess(
                name: compiler, executable: "/usr/bin/env",
                arguments: [compiler, "-shared", "-fPIC", "-O2", "-pthread", source, "-o", target, "-ldl"],
                folder: folder, logs: folder)
            while process?.isRunning == true { usleep(2000) }
            if process?.ending == .exited(0) { return target }
        }
        return nil
    }()

    /// Without links.
    package let folder: String
    private let match: String?
    private let fault: Fault?
    private let log: String?
    package let control: DiskControl

    /// - Parameters:
    ///   - folder: whose files it stands before.
    ///   - match: what a file's path must have in it to count.
    ///   - log: a file that gets all calls, changes with their bytes.
    package init(folder: String, match: String? = nil, fault: Fault? = nil, log: String? = nil) throws {
        guard let real = realpath(folder, nil) else { throw TestSupportError("\(folder) is not there") }
        defer { free(real) }
        self.folder = String(cString: real)
        (self.match, self.fault, self.log) = (match, fault, log)
        control = try DiskControl()
    }

    /// What a program is started with.
    package func environment() throws -> [String: String] {
        guard let library = Self.library else {
            throw TestSupportError("Tests/Shims/disk_faults.c cannot be built: a C compiler (cc or clang) is needed")
        }
        var environment = [
            "LD_PRELOAD": library, "ORCHESTRION_DISK_FOLDER": folder, "ORCHESTRION_DISK_CONTROL": control.path,
        ]
        environment["ORCHESTRION_DISK_MATCH"] = match
        environment["ORCHESTRION_DISK_FAULT"] = fault?.description
        environment["ORCHESTRION_DISK_LOG"] = log
        return environment
    }
}

/// What the shim counts, seen from outside while and after the program runs. Its layout is `struct control` of the shim.
package final class DiskControl: Sendable {
    package let path: String
    private static let size = 4096

    init() throws {
        path = try TestFolder.make("control") + "/control"
        try Data(count: Self.size).write(to: URL(fileURLWithPath: path))
    }

    private func bytes() -> Data { FileManager.default.contents(atPath: path) ?? Data() }

    private func number(_ place: Int) -> UInt64 {
        let bytes = bytes()
        guard bytes.count == Self.size else { return 0 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self) }
    }

    package var calls: Int { Int(number(0)) }
    /// Changes and syncs.
    package var changes: Int { Int(number(1)) }
    /// Faults that happened.
    package var fired: Int { Int(number(2)) }
    /// The call and the file of the last of them, such as `write /journal.sqlite-wal`.
    package var what: String { String(decoding: bytes().dropFirst(32).prefix { $0 != 0 }, as: UTF8.self) }
}
