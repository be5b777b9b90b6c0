/// The header of one frame of MPEG audio, layers I to III.
struct MPEGFrame {
    /// 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5.
    let version: UInt32
    let layer: Int
    let rate: Int
    let isMono: Bool
    /// In bytes, with its header.
    let length: Int
    /// Samples of each channel.
    let samples: Int
    private let word: UInt32

    /// Kilobits a second: of MPEG 1 by layer, then of the others, layers II and III alike.
    private static let bitRates = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ]

    init?(_ word: UInt32) {
        let (version, layerBits) = (word >> 19 & 3, Int(word >> 17 & 3))
        let (bitRate, rate) = (Int(word >> 12 & 15), Int(word >> 10 & 3))
        guard word >> 21 == 0x7ff, version != 1, layerBits != 0, (1...14).contains(bitRate), rate < 3, word & 3 != 2
        else { return nil }
        self.word = word
        self.version = version
        layer = 4 - layerBits
        self.rate = [44_100, 48_000, 32_000][rate] / (version == 3 ? 1 : version == 2 ? 2 : 4)
        isMono = word >> 6 & 3 == 3
        samples = layer == 1 ? 384 : layer == 3 && version != 3 ? 576 : 1_152
        let row = version == 3 ? layer - 1 : layer == 1 ? 3 : 4
        let bits = Self.bitRates[row][bitRate - 1] * 1_000
        let padding = Int(word >> 9 & 1)
        length = layer == 1 ? (12 * bits / self.rate + padding) * 4 : samples / 8 * bits / self.rate + padding
    }

    /// Whether the frames may belong to one stream.
    func fits(_ other: MPEGFrame) -> Bool {
        version == other.version && layer == other.layer && rate == other.rate && isMono == other.isMono
    }

    /// Where an encoder's note on the whole stream lies in a frame of layer III.
    var noteOffset: Int {
        version == 3 ? (isMono ? 21 : 36) : (isMono ? 13 : 21)
    }

    /// A frame without sound, in which a note says how many frames follow.
    func note(frames: Int, bytes: Int) -> [UInt8] {
        // Without a checksum or padding, and of a bit rate that makes it long enough: 128 or 64 kbit/s.
        let header = word & ~0xf200 | (version == 3 ? 9 : 8) << 12 | 1 << 16
        guard let plain = MPEGFrame(header) else { return [] }
        var frame = [UInt8](repeating: 0, count: plain.length)
        func set(_ value: UInt32, at place: Int) {
            for index in 0..<4 { frame[place + index] = UInt8(value >> (24 - 8 * UInt32(index)) & 0xff) }
        }
        set(header, at: 0)
        set(0x496e_666f, at: noteOffset)  // Info
        set(3, at: noteOffset + 4)
        set(UInt32(clamping: frames), at: noteOffset + 8)
        set(UInt32(clamping: bytes + frame.count), at: noteOffset + 12)
        return frame
    }
}
