/// The file beside a journal that has its newest transactions, as SQLite reads it: frame after frame, each with one page, up
/// to the first whose checksum is wrong. A frame's checksum goes on from that of the frame before it.
///
/// The format is SQLite's (https://www.sqlite.org/fileformat2.html#walformat), with pages of 4,096 bytes.
struct WriteAheadLog {
    struct Frame {
        /// The page's number.
        let page: Int
        /// Pages of the file after a transaction that ends here; nil where it goes on.
        let size: Int?
        let bytes: ArraySlice<UInt8>
    }

    /// Frames up to the first that is damaged.
    private(set) var whole: [Frame] = []
    /// Of what follows, the transactions that end there.
    private(set) var lostTransactions = 0
    /// Whether the frame after the whole ones is of this log, and not one that was never written.
    private var isOwnDamaged = false

    private static let (headSize, frameHead) = (32, 24)
    private static let frameSize = frameHead + PageReader.pageSize
    private static let mostPages = 1 << 24

    /// nil for a file that was never a log of such pages. One whose head is damaged has no whole frame.
    init?(_ file: [UInt8]) {
        guard file.count >= Self.headSize + Self.frameSize else { return nil }
        let head = Array(file[..<Self.headSize])
        let magic = PageReader.number(head, 0, 4)
        let isKnown = magic & 0xffff_fffe == 0x377f_0682 && PageReader.number(head, 8, 4) == PageReader.pageSize
        var sum = LogSum(isBig: magic & 1 == 1)
        sum.add(head[..<24])
        var isWhole = isKnown && sum.fits(head, at: 24)
        isOwnDamaged = !isWhole
        // With a damaged head, the first frame says whose frames these are.
        let salts = isWhole ? file[16..<24] : file[Self.headSize + 8..<Self.headSize + 16]
        for start in stride(from: Self.headSize, through: file.count - Self.frameSize, by: Self.frameSize) {
            let frame = file[start..<start + Self.frameSize]
            let isOwn = frame.dropFirst(8).prefix(8).elementsEqual(salts)
            let page = PageReader.number(file, start, 4)
            let size = PageReader.number(file, start + 4, 4)
            if isWhole {
                sum.add(frame.prefix(8))
                sum.add(frame.dropFirst(Self.frameHead))
                isWhole = isOwn && sum.fits(file, at: start + 16) && page > 0 && page < Self.mostPages
                guard !isWhole else {
                    let end = size > 0 && size < Self.mostPages ? size : nil
                    whole.append(Frame(page: page, size: end, bytes: frame.dropFirst(Self.frameHead)))
                    continue
                }
                isOwnDamaged = isOwn
            }
            if isOwn, size > 0, size < Self.mostPages { lostTransactions += 1 }
        }
    }

    /// Transactions that SQLite will not read, though they may have been complete; 0 when there is no sign of any.
    ///
    /// A transaction is on the disk before the next one begins. So one that follows a damaged frame and is not the last was
    /// complete. The last one may not have been: a frame that is missing there was never written. One that is there and
    /// damaged, with more of the log behind it, counts.
    var damagedTransactions: Int { lostTransactions > 1 || isOwnDamaged ? lostTransactions : 0 }
}

/// The log's checksum, over pairs of words.
private struct LogSum {
    let isBig: Bool
    private var (first, second) = (UInt32(0), UInt32(0))

    init(isBig: Bool) { self.isBig = isBig }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        func word(_ place: Int) -> UInt32 {
            let raw = (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[place + $1]) }
            return isBig ? raw : raw.byteSwapped
        }
        for place in stride(from: bytes.startIndex, to: bytes.endIndex - 7, by: 8) {
            first = first &+ word(place) &+ second
            second = second &+ word(place + 4) &+ first
        }
    }

    func fits(_ bytes: [UInt8], at place: Int) -> Bool {
        PageReader.number(bytes, place, 4) == Int(first) && PageReader.number(bytes, place + 4, 4) == Int(second)
    }
}

/// A write-ahead log of which SQLite does not read all.
package struct LogDamage: Sendable, Hashable {
    /// That may be lost.
    package var transactions: Int
    /// The journal as it was, with its log; nil where there was no room for a copy.
    package var copy: String?

    /// nil when there is no log, it is whole, or the disk does not let it be read now: then nothing else is read either.
    static func look(_ path: String, on disk: any JournalDisk) -> LogDamage? {
        guard disk.exists(path + "-wal"), let file = try? disk.read(path + "-wal"),
            let count = WriteAheadLog(file)?.damagedTransactions, count > 0
        else { return nil }
        return LogDamage(transactions: count)
    }

    package var text: String {
        "its write-ahead log is damaged: the last \(transactions == 1 ? "transaction" : "\(transactions) transactions") may be "
            + "lost"
    }
}
