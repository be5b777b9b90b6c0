import Foundation
import Journal
import SystemErrors

/// One conversation with whoever has the copy: until anything goes wrong.
struct CopySession {
    enum News {
        /// All that was journaled before then is in the copy.
        case synced(ContinuousClock.Instant)
        case sent(bytes: Int)
        /// - Parameters:
        ///   - pending: bytes of files that are not in the copy.
        ///   - complete: songs whose files are.
        case files(pending: UInt64, complete: Set<String>)
    }

    /// The whole journal, while it is on its way.
    static let draftName = "copy-base.sqlite"

    private let target: any CopyTarget
    private let identity: CopyIdentity
    private let folder: String
    private let journal: Journal
    private let report: (News) -> Void
    private let writer = UUID().uuidString
    private var scan: StateFiles
    private var known: [String: CopiedFile] = [:]
    private var count: UInt64 = 0
    private var pending: UInt64 = 0
    /// The next changes may be in the base already.
    private var isFirst = true
    private var nextRound = ContinuousClock.now

    init(
        target: any CopyTarget, identity: CopyIdentity, folder: String, journal: Journal,
        report: @escaping (News) -> Void
    ) {
        (self.target, self.identity, self.folder, self.journal) = (target, identity, folder, journal)
        self.report = report
        scan = StateFiles(folder)
    }

    /// The whole journal, and then what changes. Of a copy that was left behind, the files come first: the journal may have
    /// forgotten by now what the copy still has of songs that were finished since.
    mutating func begin(unfinished: Set<String>) throws {
        let hasJournal = try ask(.open(identity)).hasJournal == true
        var path = ""
        while true {
            let files = try ask(.list(after: path)).files ?? []
            guard let last = files.last else { break }
            for file in files { known[file.path] = file }
            path = last.path
        }
        nextRound = .now + .seconds(1 << 20)
        if hasJournal { try copyFiles(unfinished: unfinished, until: { false }) }
        try sendBase()
        try mark()
    }

    private func ask(_ request: CopyRequest, _ body: [UInt8] = []) throws -> CopyReply {
        if !body.isEmpty { report(.sent(bytes: body.count)) }
        let reply = try target.ask(request, body)
        if let error = reply.error { throw error }
        return reply
    }

    // MARK: the journal

    private mutating func sendBase() throws {
        let start = ContinuousClock.now
        try journal.beginChanges()
        let draft = "\(folder)/\(Self.draftName)"
        defer { unlink(draft) }
        _ = try JournalBackup.make(of: journal.path, to: draft)
        var offset = 0
        try InputFile(draft).forEachPiece(of: CopyLimits.piece) { piece in
            _ = try ask(.put(.journal, offset: offset), piece)
            offset += piece.count
        }
        _ = try ask(.takeBase)
        isFirst = true
        nextRound = .now
        report(.synced(start))
    }

    /// Brings the copy of the journal up to date.
    mutating func round() throws {
        let start = ContinuousClock.now
        nextRound = start + StateCopier.interval
        guard let patch = try journal.takeChanges() else {
            try sendBase()
            return try mark()
        }
        if !patch.isEmpty {
            var offset = 0
            while offset < patch.count {
                let end = min(patch.count, offset + CopyLimits.piece)
                _ = try ask(.put(.journal, offset: offset), Array(patch[offset..<end]))
                offset = end
            }
            _ = try ask(.takeChanges(isRepeated: isFirst))
            isFirst = false
        }
        try mark()
        report(.synced(start))
    }

    private mutating func mark() throws {
        count += 1
        _ = try ask(
            .mark(
                CopyMark(
                    identity: identity, count: count, writer: writer, hasJournal: true, pendingBytes: pending,
                    time: Date().timeIntervalSince1970)))
    }

    // MARK: files

    /// Brings files that are new or were changed, and takes away those that are gone. Between pieces the journal has its turn.
    mutating func copyFiles(unfinished: Set<String>, until isOver: () -> Bool) throws {
        let (files, songs) = scan.look(unfinished: unfinished)
        let here = Set(files.map(\.path))
        // The small ones are keys and songs' descriptions: nobody waits for hours of sound to have those.
        let missing = files.filter { known[$0.path] != $0 }.sorted { ($0.size, $0.path) < ($1.size, $1.path) }
        pending = missing.reduce(0) { $0 + UInt64($1.size) }
        var left = Dictionary(grouping: missing.compactMap(\.song), by: \.self).mapValues(\.count)
        var complete = Set(songs.keys).subtracting(left.keys)
        report(.files(pending: pending, complete: complete))
        for file in missing where !isOver() {
            pending -= UInt64(file.size)
            if try send(file, until: isOver) {
                known[file.path] = file
                if let song = file.song {
                    left[song]? -= 1
                    if left[song] == 0 { complete.insert(song) }
                }
            }
            report(.files(pending: pending, complete: complete))
        }
        for path in known.keys.sorted() where !here.contains(path) && !isOver() {
            _ = try ask(.remove(path: path))
            known[path] = nil
        }
    }

    /// - Returns: false for a file that is gone or was changed meanwhile: its turn comes again.
    private mutating func send(_ file: CopiedFile, until isOver: () -> Bool) throws -> Bool {
        guard let input = try? InputFile("\(folder)/\(file.path)"), input.size == file.size else { return false }
        var offset = 0
        while offset < file.size {
            let piece = try input.bytes(at: offset, count: min(CopyLimits.piece, file.size - offset))
            guard !piece.isEmpty else { return false }
            _ = try ask(.put(.file, offset: offset), piece)
            offset += piece.count
            if isOver() { return false }
            if nextRound <= .now { try round() }
        }
        _ = try ask(.takeFile(file))
        return true
    }
}
