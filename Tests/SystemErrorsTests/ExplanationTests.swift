import Foundation
import SystemErrors
import Testing

/// Words that only programmers know.
private let jargon = ["NSCocoaErrorDomain", "NSPOSIXErrorDomain", "Error Domain=", "SystemError(", "Code="]

@Suite struct ExplanationTests {
    private func explain(_ body: () throws -> Void) throws -> String {
        do { try body() } catch { return error.explanation }
        throw CancellationError()
    }

    @Test func `errors of Foundation are told as the file and the system's reason`() throws {
        let texts = try [
            explain { _ = try Data(contentsOf: URL(fileURLWithPath: "/no-such/file")) },
            explain { try "x".write(toFile: "/no-such/file", atomically: true, encoding: .utf8) },
            explain {
                try FileManager.default.createDirectory(atPath: "/proc/none", withIntermediateDirectories: true)
            },
            explain { try FileManager.default.moveItem(atPath: "/no-such/a", toPath: "/no-such/b") },
            explain { _ = try FileManager.default.contentsOfDirectory(atPath: "/no-such") },
            explain { try FileManager.default.removeItem(atPath: "/no-such/a") },
        ]
        for text in texts {
            #expect(text.contains("/no-such") || text.contains("/proc/none"))
            for word in jargon { #expect(!text.contains(word), "\(text)") }
        }
    }

    @Test func `every error that Foundation has for a full disk is one that room helps`() throws {
        let posix = NSError(domain: NSPOSIXErrorDomain, code: Int(ENOSPC))
        let errors: [any Error] = [
            posix, CocoaError(.fileWriteOutOfSpace), POSIXError(.ENOSPC),
            NSError(domain: NSCocoaErrorDomain, code: 512, userInfo: [NSUnderlyingErrorKey: posix]),
            SystemError("/tmp/x", code: ENOSPC),
        ]
        for error in errors {
            #expect(error.systemNumber == ENOSPC)
            #expect(error.explanation.contains("is full") && error.explanation.contains("same command again"))
            for word in jargon { #expect(!error.explanation.contains(word), "\(error.explanation)") }
        }
        #expect(SystemReason.passes(ENOSPC) && !SystemReason.passes(EACCES))
    }

    @Test func `damaged JSON is told by its field`() throws {
        struct Song: Decodable { var seed: [Int] }
        for (json, words) in [
            (#"{"seed":["x"]}"#, "its field seed.0 has another type"), ("{}", "its field seed is missing"),
            (#"{"seed":[null]}"#, "its field seed.0 has no value"), ("{", "it is damaged"),
        ] {
            let text = try explain { _ = try JSONDecoder().decode(Song.self, from: Data(json.utf8)) }
            #expect(text.contains(words), "\(text)")
        }
    }
}

@Suite struct OutputFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "output-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    @Test func `a file is replaced as a whole, through links, and nothing else is left`() throws {
        try OutputFile.replace(path("a"), with: "one")
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("a"))
        try OutputFile.replace(path("link"), with: "two")
        #expect(try String(contentsOfFile: path("a"), encoding: .utf8) == "two")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a", "link"])
    }

    @Test func `a device is written into, and stays one`() throws {
        #expect(throws: SystemError("/dev/full", code: ENOSPC)) { try OutputFile.replace("/dev/full", with: "x") }
        try OutputFile.replace("/dev/null", with: "x")
        for device in ["/dev/full", "/dev/null"] {
            let type = try FileManager.default.attributesOfItem(atPath: device)[.type] as? FileAttributeType
            #expect(type == .typeCharacterSpecial)
        }
    }

    @Test func `what cannot be written is named, and what was there stays`() throws {
        try FileManager.default.createDirectory(atPath: path("folder"), withIntermediateDirectories: true)
        for (place, words) in [(path("folder"), "Is a directory"), (path("none/a"), "No such file or directory")] {
            #expect { try OutputFile.replace(place, with: "x") } throws: { "\($0)" == "\(place): \(words)" }
        }
        #expect(OutputFile.obstacle(beside: path("a")) == nil)
        #expect(OutputFile.obstacle(beside: path("none/a"))?.code == ENOENT)
    }
}
