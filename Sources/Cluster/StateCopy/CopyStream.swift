import Foundation
import SystemErrors

/// Requests and replies as bytes: a length of 4 bytes, that of the piece of 4 bytes, words as JSON, the piece.
struct CopyStream {
    let input: Int32
    let output: Int32
    /// For the next bytes; nil is for ever.
    let patience: Duration?

    /// The other end is gone, before a message or in one.
    struct Ended: Error {}

    func write(_ words: some Encodable, _ body: [UInt8] = []) throws {
        let words = Array(try JSONEncoder().encode(words))
        guard words.count <= CopyLimits.words, body.count <= CopyLimits.piece else {
            throw CopyError(.damaged, "a message is too large")
        }
        try write(Self.length(words.count) + Self.length(body.count) + words + body)
    }

    func read<Words: Decodable>(_ type: Words.Type) throws -> (Words, [UInt8]) {
        let head = try read(8)
        let counts = [head[0..<4], head[4..<8]].map { $0.reduce(0) { $0 << 8 | Int($1) } }
        guard counts[0] <= CopyLimits.words, counts[1] <= CopyLimits.piece else {
            throw CopyError(.damaged, "what came is no message of a copy: is it the same release there?")
        }
        let (words, body) = (try read(counts[0]), try read(counts[1]))
        guard let decoded = try? JSONDecoder().decode(type, from: Data(words)) else {
            throw CopyError(.damaged, "what came is no message of a copy: is it the same release there?")
        }
        return (decoded, body)
    }

    private static func length(_ count: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
    }

    private func waitFor(_ descriptor: Int32, _ events: Int32) throws {
        var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let limit = patience.map { Int32($0 / .milliseconds(1)) } ?? -1
        while true {
            let count = poll(&waiting, 1, limit)
            if count > 0 { return }
            if count < 0, errno == EINTR { continue }
            throw CopyError(.passing, "the other end said nothing for \(limit / 1000) s")
        }
    }

    private func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            try waitFor(output, POLLOUT)
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(output, buffer.baseAddress.map { $0 + done }, min(buffer.count - done, 1 << 16))
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw Ended() }
            done += count
        }
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            try waitFor(input, POLLIN)
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(input, buffer.baseAddress.map { $0 + done }, count - done)
            }
            if got < 0, errno == EINTR || errno == EAGAIN { continue }
            guard got > 0 else { throw Ended() }
            done += got
        }
        return bytes
    }
}

/// A request that failed, for whoever asked from afar.
package enum CopyReceiver {
    /// Answers what comes at `input` until that ends: the other end of `SecureShell`.
    ///
    /// - Throws: what cannot be told to who asked.
    package static func run(folder: String, input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO) throws {
        let stream = CopyStream(input: input, output: output, patience: nil)
        let target = CopyFolder(folder)
        defer { target.close() }
        while true {
            let (request, body): (CopyRequest, [UInt8])
            do { (request, body) = try stream.read(CopyRequest.self) } catch is CopyStream.Ended { return }
            do {
                try stream.write(target.ask(request, body))
            } catch is CopyStream.Ended {
                return
            } catch {
                let told = error as? CopyError ?? CopyError(.passing, error.waitingExplanation)
                try stream.write(CopyReply(error: told))
            }
        }
    }
}
