import Foundation
import Testing

/// Damaged recordings, each read by a process of its own that is ended at its limits.
@Suite struct AudioApartTests {
    /// More with `AUDIO_APART=1000`.
    private static let inputs = ProcessInfo.processInfo.environment["AUDIO_APART"].flatMap { Int($0) } ?? 60

    @Test func `a damaged recording costs at most 2 seconds and 256 MiB`() throws {
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let process = Process()
        process.executableURL = Self.program(near: program)
        process.arguments = ["mutate", "audio", "--apart", "--inputs", "\(Self.inputs)", "--json"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.currentDirectoryURL = FileManager.default.temporaryDirectory
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: text, as: UTF8.self))")
        let result = try JSONDecoder().decode(Result.self, from: text)
        #expect(result.faults.isEmpty && result.taken + result.refused == Self.inputs)
        // The measuring itself works: a process needs some memory.
        #expect((1 << 20...256 << 20).contains(result.memory_bytes), "\(result.memory_bytes)")
    }

    private struct Result: Decodable {
        var taken: Int
        var refused: Int
        var faults: [String]
        var memory_bytes: Int
    }

    /// Beside the bundle of the tests, whose place the first argument tells.
    private static func program(near folder: URL) -> URL {
        var folder = folder
        while folder.path != "/" {
            let program = folder.appendingPathComponent("orchestrion-fuzz")
            if FileManager.default.isExecutableFile(atPath: program.path) { return program }
            folder.deleteLastPathComponent()
        }
        return folder
    }
}
