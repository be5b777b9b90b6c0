package import Foundation
import SystemErrors

/// The program as it is brought to hosts: `bin/orchestrion`, the libraries that it needs in `lib`, the model that ships in `share`.
package struct ProgramPayload: Sendable, Equatable {
    package let payload: Payload
    /// As `uname -m` calls it.
    package let architecture: String

    /// The C library belongs to the machine: it must fit its loader and its name service.
    private static let ofSystem = [
        "ld-linux", "linux-vdso", "linux-gate", "libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so",
        "libutil.so",
        "libresolv.so", "libanl.so", "libnss_",
    ]

    /// This very program.
    ///
    /// - Parameters:
    ///   - executable: its path.
    ///   - model: the folder of the model that ships; nil where it was not installed.
    ///   - commit: the file that says the program's commit; nil where there is none.
    package init(executable: String, model: URL?, commit: String?, notes: DigestNotes) throws {
        var files = [try notes.file(executable, as: "bin/orchestrion", isProgram: true)]
        for (name, path) in try Self.libraries(of: executable) { files.append(try notes.file(path, as: "lib/\(name)")) }
        if let commit { files.append(try notes.file(commit, as: "share/orchestrion/commit")) }
        if let model {
            files += try Self.files(below: model.path, as: "share/orchestrion/\(model.lastPathComponent)", notes)
        }
        (payload, architecture) = (Payload(files: files), try Self.architecture(of: executable))
    }

    /// What `Scripts/package` made: a tarball, or the folder that comes out of it.
    ///
    /// - Parameter scratch: a folder for what comes out of a tarball.
    package init(package path: String, scratch: String, notes: DigestNotes) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw HostFault("program: there is no \(path)")
        }
        let root = isFolder.boolValue ? path : try Self.unpack(path, scratch)
        guard FileManager.default.isExecutableFile(atPath: "\(root)/bin/orchestrion") else {
            throw HostFault(
                "program: \(path) has no bin/orchestrion; it is a tarball of Scripts/package, or its folder")
        }
        var files: [Payload.File] = []
        for part in ["bin", "lib", "share/orchestrion"] {
            files += try Self.files(below: "\(root)/\(part)", as: part, notes)
        }
        (payload, architecture) = (Payload(files: files), try Self.architecture(of: "\(root)/bin/orchestrion"))
    }

    private static func unpack(_ tarball: String, _ scratch: String) throws -> String {
        let tar = try Conversation(["tar", "-xf", tarball, "-C", scratch])
        let (code, _, said) = try tar.finish(bound: .seconds(600), stall: .seconds(600), most: 1 << 20, next: { nil })
        guard code == 0 else { throw HostFault("program: \(tarball) cannot be unpacked: \(HostFault.plain(said))") }
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch)
        guard names.count == 1, let name = names.first else {
            throw HostFault("program: \(tarball) is no package of this program")
        }
        return "\(scratch)/\(name)"
    }

    /// Names as the loader wants them, and where they are. It is the loader that says so.
    static func libraries(of executable: String) throws -> [(name: String, path: String)] {
        let loader = try Conversation(["env", "LD_TRACE_LOADED_OBJECTS=1", executable])
        let (code, output, said) = try loader.finish(
            bound: .seconds(60), stall: .seconds(60), most: 1 << 20, next: { nil })
        guard code == 0 else {
            throw HostFault("the libraries of \(executable) are not known: \(HostFault.plain(said))")
        }
        return try parse(loader: output)
    }

    /// - Parameter output: lines NAME => PATH (ADDRESS).
    static func parse(loader output: String) throws -> [(name: String, path: String)] {
        try output.split(separator: "\n").compactMap { line in
            let parts = line.trimmingCharacters(in: .whitespaces).components(separatedBy: " => ")
            guard parts.count == 2, !ofSystem.contains(where: parts[0].hasPrefix) else { return nil }
            guard let end = parts[1].range(of: " (0x", options: .backwards), parts[1].hasPrefix("/") else {
                throw HostFault("the library \(parts[0]) is not here: \(parts[1])")
            }
            return (parts[0], String(parts[1][..<end.lowerBound]))
        }
    }

    private static func files(below folder: String, as name: String, _ notes: DigestNotes) throws -> [Payload.File] {
        var files: [Payload.File] = []
        for path in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }).sorted() ?? [] {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder),
                !isFolder.boolValue
            else { continue }
            let isProgram = FileManager.default.isExecutableFile(atPath: "\(folder)/\(path)") && name == "bin"
            files.append(try notes.file("\(folder)/\(path)", as: "\(name)/\(path)", isProgram: isProgram))
        }
        return files
    }

    private static func architecture(of executable: String) throws -> String {
        let head = try InputFile(executable).bytes(at: 0, count: 20)
        guard head.count == 20, head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            throw HostFault("\(executable) is no program for Linux")
        }
        return switch Int(head[18]) | Int(head[19]) << 8 {
        case 0x3E: "x86_64"
        case 0xB7: "aarch64"
        case let other: "machine \(other)"
        }
    }
}
