import Foundation

/// One question to a server, answered by the program `curl` in a process of its own: Docs/Decisions/14-curl-fetches.md.
///
/// It ends with this object, and by itself when nobody reads it any more.
final class Curl {
    struct Request {
        var address: WebAddress
        /// Names and values.
        var fields: [(name: String, value: String)] = []
        /// Asks for what the server says of a file, and not for the file.
        var isHead = false
    }

    private let pid: pid_t
    private let output: Int32
    private let complaints: Int32
    private let stall: Duration
    /// What came and was not handed on yet.
    private var buffer: [UInt8] = []
    private var hasEnded = false
    /// The end of the time in which something must come, and what came in it.
    private var window: (end: ContinuousClock.Instant, bytes: Int)

    /// Bytes that must come in the time of a stall.
    private static let least = 1000
    private static let (piece, mostHead) = (256 << 10, 64 << 10)

    /// - Parameter stall: in which some bytes must come.
    /// - Throws: `FetchError` where there is no curl.
    init(_ request: Request, stall: Duration) throws {
        self.stall = stall
        window = (.now + stall, 0)
        let (input, output, complaints) = try (Self.pipe(), Self.pipe(), Self.pipe())
        defer { for end in [input.reading, output.writing, complaints.writing] { close(end) } }
        // All at once, before there is somebody who may be gone: the text is far smaller than a pipe.
        let text = Self.configuration(request, seconds: Int((stall / .seconds(1)).rounded(.up)))
        let written = text.withCString { write(input.writing, $0, strlen($0)) }
        close(input.writing)
        do {
            guard written == text.utf8.count else { throw FetchError("curl cannot be told what to fetch") }
            pid = try Self.spawn(input.reading, output.writing, complaints.writing)
        } catch {
            close(output.reading)
            close(complaints.reading)
            throw error
        }
        (self.output, self.complaints) = (output.reading, complaints.reading)
    }

    deinit {
        if !hasEnded {
            kill(pid, SIGKILL)
            _ = wait()
        }
        close(output)
        close(complaints)
    }

    /// What the server says first. Interim answers are passed over.
    ///
    /// - Throws: `PassingFault`, and `FetchError` for what does not pass.
    func head() throws -> ResponseHead {
        while true {
            var place = buffer.firstRange(of: Array("\r\n\r\n".utf8))
            while place == nil {
                guard buffer.count < Self.mostHead else {
                    throw FetchError("the server's answer has no end to its head")
                }
                guard let more = try receive() else {
                    try checkEnding()
                    throw PassingFault("the server gave no answer")
                }
                buffer += more
                place = buffer.firstRange(of: Array("\r\n\r\n".utf8))
            }
            let text = String(decoding: buffer[..<place!.lowerBound], as: UTF8.self)
            buffer.removeFirst(place!.upperBound)
            guard let head = ResponseHead(text) else { throw PassingFault("the server's answer is no HTTP") }
            if head.status >= 200 { return head }
        }
    }

    /// The next bytes of the body; nil when all came.
    ///
    /// - Throws: as `head`.
    func next() throws -> [UInt8]? {
        if !buffer.isEmpty {
            defer { buffer = [] }
            return buffer
        }
        if let bytes = try receive() { return bytes }
        try checkEnding()
        return nil
    }

    private func receive() throws -> [UInt8]? {
        while true {
            let now = ContinuousClock.now
            if now >= window.end {
                guard window.bytes >= Self.least else { throw PassingFault(stallText) }
                window = (now + stall, 0)
            }
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let left = now.duration(to: window.end) / .milliseconds(1)
            guard poll(&waiting, 1, Int32(min(left.rounded(.up), 1e9))) > 0 else { continue }
            var failed = false
            let bytes = [UInt8](unsafeUninitializedCapacity: Self.piece) { space, count in
                let read = read(output, space.baseAddress, space.count)
                failed = read < 0 && errno != EINTR
                count = max(0, read)
                if read < 0, !failed { count = 0 }
            }
            if failed { throw PassingFault("curl's output cannot be read: \(String(cString: strerror(errno)))") }
            if bytes.isEmpty { return nil }
            window.bytes += bytes.count
            return bytes
        }
    }

    private var stallText: String {
        "next to nothing came for \(Int((stall / .seconds(1)).rounded(.up))) s"
    }

    // MARK: the process

    private func checkEnding() throws {
        let status = wait()
        guard status != 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 2000)
        let count = max(0, read(complaints, &bytes, bytes.count))
        let line = String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        let text = line.isEmpty ? "curl ended with \(status)" : String(line.trimmingPrefix("curl: "))
        guard Self.finalCodes.contains(status) else { throw PassingFault(text) }
        throw FetchError(text)
    }

    /// What no second try mends: protocols and addresses, certificates, options that an old curl does not know.
    private static let finalCodes: Set<Int32> = [1, 2, 3, 4, 5, 35, 51, 53, 54, 58, 59, 60, 66, 77, 80, 82, 83, 90, 91]

    /// - Returns: the exit code, or 128 and the signal's number.
    private func wait() -> Int32 {
        hasEnded = true
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else {
            throw FetchError("curl cannot be started: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(_ input: Int32, _ output: Int32, _ complaints: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO)
        // No file of the user's: what it says there may not fit what is read here.
        let arguments = ["curl", "-q", "--config", "-"]
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, "curl", &actions, nil, &words, environ)
        guard code == 0 else {
            throw FetchError(
                code == ENOENT
                    ? "there is no program curl here, which fetches files: apt-get install curl, or your system's equivalent"
                    : "curl cannot be started: \(String(cString: strerror(code)))")
        }
        return pid
    }

    /// What it reads from its standard input, where nobody else sees a token.
    ///
    /// - Parameter seconds: of silence after which it ends by itself, should nobody be left who would end it.
    private static func configuration(_ request: Request, seconds: Int) -> String {
        func quoted(_ text: String) -> String {
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        var lines = ["silent", "show-error", "include", "globoff", "suppress-connect-headers", "no-buffer"]
        lines.append("proto = \"=http,https\"")
        lines.append("user-agent = \"orchestrion\"")
        lines += ["speed-limit = 1", "speed-time = \(seconds + 5)", "connect-timeout = \(seconds + 5)"]
        if request.isHead { lines.append("head") }
        lines.append("url = \(quoted(request.address.description))")
        lines += request.fields.map { "header = \(quoted("\($0.name): \($0.value)"))" }
        return lines.joined(separator: "\n") + "\n"
    }
}
