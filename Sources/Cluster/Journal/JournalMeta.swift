import CoordinatorCore
import GRDB
import SongPlan

/// What is known of the journal as a whole: the least epoch that may be given. It is there twice, with a checksum, since it
/// follows from no other row.
enum JournalMeta {
    static let epochKey = "epoch"
    /// All bits turned.
    static let mirrorKey = "epoch mirror"
    static let sumKey = "epoch sum"
    /// Far more epochs than a cluster gives between two looks at the journal.
    private static let leap: Epoch = 1 << 32
    /// Epochs above are none that was given one after another from 1 on.
    private static let plausible: Epoch = 1 << 56

    struct Found {
        var leastEpoch: Epoch
        /// What is wrong with it; nil when nothing is.
        var fault: String?
    }

    static func leastEpoch(_ db: Database) throws -> Found {
        var values: [String: Epoch] = [:]
        let rows = try Row.fetchAll(db, sql: "SELECT key, value FROM meta")
        for row in rows {
            guard let key = String.fromDatabaseValue(row["key"] as DatabaseValue),
                case .int64(let value) = (row["value"] as DatabaseValue).storage
            else { continue }
            values[key] = Epoch(bitPattern: value)
        }
        guard !rows.isEmpty else { return Found(leastEpoch: 1) }
        let (first, mirror, sum) = (values[epochKey], values[mirrorKey].map { ~$0 }, values[sumKey])
        let candidates = [first, mirror].compactMap(\.self)
        if let whole = candidates.first(where: { sum == self.sum($0) }) ?? (first == mirror ? first : nil) {
            let isWhole = first == whole && mirror == whole && sum == self.sum(whole) && rows.count == 3
            return Found(leastEpoch: whole, fault: isWhole ? nil : "one copy of the least epoch is damaged")
        }
        return Found(
            leastEpoch: safe(candidates),
            fault: "the least epoch is damaged; it is taken to be \(leap) above all that are known")
    }

    /// Above all epochs that may have been given, as far as somebody knows.
    static func safe(_ known: [Epoch]) -> Epoch { (known.filter { $0 < plausible }.max() ?? 1) + leap }

    private static func sum(_ epoch: Epoch) -> Epoch {
        Epoch(bitPattern: Checksum.of(withUnsafeBytes(of: epoch.littleEndian, Array.init)))
    }

    static func write(_ epoch: Epoch, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM meta")
        for (key, value) in [(epochKey, epoch), (mirrorKey, ~epoch), (sumKey, sum(epoch))] {
            try db.execute(
                sql: "INSERT INTO meta (key, value) VALUES (?, ?)", arguments: [key, Int64(bitPattern: value)])
        }
    }

    /// Journals of earlier releases have it once.
    static func migrate(_ db: Database) throws {
        guard let value = try Row.fetchOne(db, sql: "SELECT value FROM meta WHERE key = ?", arguments: [epochKey]),
            case .int64(let number) = (value["value"] as DatabaseValue).storage
        else { return }
        try write(Epoch(bitPattern: number), db)
    }

    /// Rows of a song are about to go: no epoch of theirs is given again.
    static func noteEpochs(of song: String, _ db: Database) throws {
        let epochs = try Int64.fetchAll(
            db, sql: "SELECT DISTINCT epoch FROM records WHERE song = ? AND typeof(epoch) = 'integer'",
            arguments: [song])
        guard let highest = epochs.map({ Epoch(bitPattern: $0) }).max() else { return }
        try write(max(try leastEpoch(db).leastEpoch, highest &+ 1), db)
    }
}
