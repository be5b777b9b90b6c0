import Foundation
import SystemErrors

/// A copy on another machine: the system's ssh, which starts this program there (`orchestrion journal receive`).
final class SecureShell: CopyTarget {
    private let process = Process()
    private let stream: CopyStream
    private let errors: Pipe
    private let (requests, replies) = (Pipe(), Pipe())
    /// For the next bytes. A disk that hangs for longer is taken for a broken connection.
    private static let patience = Duration.seconds(30)

    init(host: String, port: Int?, path: String) throws {
        errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=5"]
            + (port.map { ["-p", "\($0)"] } ?? []) + ["--", host, Self.command(path)]
        process.standardInput = requests
        process.standardOutput = replies
        process.standardError = errors
        let (output, input) = (
            requests.fileHandleForWriting.fileDescriptor, replies.fileHandleForReading.fileDescriptor
        )
        for descriptor in [output, input, errors.fileHandleForReading.fileDescriptor] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
        stream = CopyStream(input: input, output: output, patience: Self.patience)
        do { try process.run() } catch { throw CopyError(.passing, "ssh cannot be started: \(error.explanation)") }
        // So that the end of the child is the end of what it writes.
        try? replies.fileHandleForWriting.close()
        try? requests.fileHandleForReading.close()
        try? errors.fileHandleForWriting.close()
    }

    /// For the shell at the other end.
    static func command(_ path: String) -> String {
        // A path in the home is left open for that shell.
        let (home, rest) = path.hasPrefix("~/") ? ("~/", String(path.dropFirst(2))) : ("", path)
        return "orchestrion journal receive --folder \(home)'\(rest.replacing("'", with: "'\\''"))'"
    }

    func ask(_ request: CopyRequest, _ body: [UInt8]) throws -> CopyReply {
        do {
            try stream.write(request, body)
            return try stream.read(CopyReply.self).0
        } catch is CopyStream.Ended {
            throw CopyError(.passing, "ssh ended\(complaint)")
        }
    }

    /// What ssh or the shell at the other end said.
    private var complaint: String {
        var buffer = [UInt8](repeating: 0, count: 2000)
        // It may come a moment after the end of the connection.
        var waiting = pollfd(fd: errors.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&waiting, 1, 1000)
        let count = read(errors.fileHandleForReading.fileDescriptor, &buffer, buffer.count)
        guard count > 0 else { return "" }
        let text = String(decoding: buffer[..<count], as: UTF8.self).split(whereSeparator: \.isNewline)
            .joined(separator: "; ")
        return ": \(text)"
    }

    func close() {
        try? requests.fileHandleForWriting.close()
        let end = ContinuousClock.now + .seconds(2)
        while process.isRunning, ContinuousClock.now < end { usleep(20_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}
