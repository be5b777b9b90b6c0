import Foundation
import SystemErrors

/// Brings a payload to a host: what is there is not sent again, what has begun goes on, and nothing is at its place before it has
/// been compared.
struct Delivery {
    let shell: HostShell
    let payload: Payload
    /// `versions` or `models` in the cluster's folder.
    let kind: String
    let state: HostState
    /// Gets the bytes that are there, of how many.
    let progress: (Int, Int) -> Void

    private var folder: String { "\(state.folder)/\(kind)/\(payload.digest)" }
    /// A home that several machines share gets the parts of each.
    private var part: String { "\(state.folder)/\(kind)/.part-\(payload.digest)-\(state.name)" }

    private static let piece = 256 << 10
    /// Bytes that are left free.
    private static let reserve = 100 << 20

    /// - Parameter isFull: compares the contents of what is there, and not sizes alone.
    /// - Returns: whether anything was sent.
    func run(isFull: Bool) throws -> Bool {
        if try shell.check(payload, in: folder, isFull: isFull).isEmpty { return false }
        try shell.prepare(payload.paths, in: part)
        for attempt in 1...3 {
            try send()
            let bad = try shell.commit(payload, from: part, to: folder)
            if bad.isEmpty { return true }
            guard attempt < 3 else {
                throw HostFault(
                    "what arrives there of \(bad[0]) is not what was sent, also after \(attempt) times: is its disk or memory bad?"
                )
            }
        }
        return true
    }

    private func send() throws {
        let have = try shell.have(payload.paths, in: part)
        let missing = payload.missing(have)
        guard missing == 0 || state.disk == 0 || missing + Self.reserve <= state.disk else {
            throw HostFault(
                "there is no room for it in \(state.folder): \(missing >> 20) MiB are to be copied, and \(state.disk >> 20) MiB "
                    + "are free. Make room, or give another folder")
        }
        var done = payload.bytes - missing
        for file in payload.files {
            let start = Payload.offset(of: file, have)
            guard start < file.size || have[file.path] == nil else { continue }
            let source = try InputFile(file.source)
            guard source.size == file.size else { throw HostFault("\(file.source) was changed just now") }
            var place = start
            try shell.shell.put("\(part)/\(file.path)", isNew: start == 0) {
                let bytes = try source.bytes(at: place, count: min(Self.piece, file.size - place))
                place += bytes.count
                done += bytes.count
                progress(done, payload.bytes)
                return bytes.isEmpty ? nil : bytes
            }
        }
    }
}
