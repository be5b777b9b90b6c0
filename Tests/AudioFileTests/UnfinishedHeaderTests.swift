import AudioFile
import Foundation
import Testing

/// Files whose program died, or wrote to a pipe, before it could write their lengths.
@Suite struct UnfinishedHeaderTests {
    let folder: TemporaryFolder
    let samples = sine(500, rate: 8_000, seconds: 2)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func expectAll(_ bytes: [UInt8], _ what: String, _ location: SourceLocation = #_sourceLocation) throws {
        let reader = try AudioReader(path: folder.write(bytes, "unfinished"))
        let read = try reader.read(at: 8_000)
        #expect(abs(read.count - 16_000) < 8, "\(what): \(read.count)", sourceLocation: location)
        #expect(abs(reader.frames - 16_000) < 8, sourceLocation: location)
        #expect(purity(read[800..<15_200], of: 500, rate: 8_000).decibels > 60, sourceLocation: location)
        #expect(
            reader.warnings.contains { $0.contains("its header was not completed") }, "\(what): \(reader.warnings)",
            sourceLocation: location)
    }

    @Test func `a WAV is read to its end, with a warning, whichever length is missing`() throws {
        let whole = try Recording.wav.bytes(samples, rate: 8_000, in: folder)
        let size = try whole.place(of: "data") + 4
        for (riff, data) in [
            (0, 0), (36, 0), (0xffff_ffff, 0xffff_ffff), (8, 0), (0, 32_000), (0x7fff_ffff, 0x7fff_f000),
        ] {
            let bytes = whole.replacing(at: 4, with: little(riff)).replacing(at: size, with: little(data))
            try expectAll(bytes, "RIFF \(riff), data \(data)")
        }
        // An odd byte at the end, as a kill leaves it.
        try expectAll(whole.replacing(at: size, with: little(0)) + [7], "odd")
    }

    @Test func `AIFF, AU, CAF, W64 and RF64 too`() throws {
        let aiff = try Recording.aiff.bytes(samples, rate: 8_000, in: folder)
        let count = try aiff.place(of: "COMM") + 10
        let sound = try aiff.place(of: "SSND") + 4
        for size in [[UInt8](repeating: 0, count: 4), [0xff, 0xff, 0xff, 0xff]] {
            try expectAll(
                aiff.replacing(at: 4, with: size).replacing(at: sound, with: size).replacing(at: count, with: size),
                "AIFF \(size)")
            let au = try Recording.au.bytes(samples, rate: 8_000, in: folder)
            try expectAll(au.replacing(at: 8, with: size), "AU \(size)")
            let caf = try Recording.caf.bytes(samples, rate: 8_000, in: folder)
            try expectAll(caf.replacing(at: caf.place(of: "data") + 4, with: size + size), "CAF \(size)")
            let w64 = try Recording.w64.bytes(samples, rate: 8_000, in: folder)
            try expectAll(w64.replacing(at: w64.place(of: "data") + 16, with: size + size), "W64 \(size)")
            let rf64 = try Recording.rf64.bytes(samples, rate: 8_000, in: folder)
            try expectAll(rf64.replacing(at: rf64.place(of: "ds64") + 16, with: size + size), "RF64 \(size)")
        }
    }

    @Test func `what is meant to be empty stays empty`() throws {
        let empty = WAVFile([Int16](), channels: 1, rate: 8_000).bytes
        let list = Array("LIST".utf8) + little(4) + Array("INFO".utf8)
        for bytes in [empty, empty + list, empty + list + list] {
            let path = try folder.write(bytes, "empty.wav")
            #expect { try AudioReader(path: path) } throws: { "\($0)".contains("holds no audio") }
        }
        let head = try folder.write(Array(empty.prefix(30)), "head.wav")
        #expect { try AudioReader(path: head) } throws: { "\($0)".contains("ends before the audio begins") }
    }

    @Test func `a length that was right an hour ago is told`() throws {
        let whole = try Recording.wav.bytes(samples, rate: 8_000, in: folder)
        let bytes = whole.replacing(at: try whole.place(of: "data") + 4, with: little(8_000))
        let reader = try AudioReader(path: folder.write(bytes, "stale.wav"))
        #expect(try reader.read(at: 8_000).count == 4_000)
        #expect(
            reader.warnings.contains { $0.contains("24000 bytes after the end") && $0.contains("-ignore_length 1") })
    }

    @Test func `a FLAC without its length is whole, or is read as far as it goes`() throws {
        var dice = Dice(state: 9)
        let noise = (0..<100_000).map { _ in Float.random(in: -0.5...0.5, using: &dice) }
        let whole = try Recording.flac.bytes(noise, rate: 44_100, in: folder)
        let expected = try AudioReader(path: folder.write(whole, "whole.flac")).read(at: 44_100)
        // 36 bits of length, after 36 of rate, channels and bits.
        let streamed = whole.replacing(at: 21, with: [whole[21] & 0xf0, 0, 0, 0, 0])
        let reader = try AudioReader(path: folder.write(streamed, "streamed.flac"))
        #expect(reader.frames == 100_000 && reader.warnings.isEmpty)
        #expect(try reader.read(at: 44_100) == expected)
        #expect(try reader.read(at: 44_100) == expected)
        for bytes in [streamed.count - 1, streamed.count * 6 / 10, streamed.count / 3] {
            let cut = try AudioReader(path: folder.write(Array(streamed[..<bytes]), "cut.flac"))
            let read = try cut.read(at: 44_100)
            #expect(cut.warnings.contains { $0.contains("last frame is cut off") })
            #expect(read == Array(expected[..<read.count]) && read.count == cut.frames && read.count > 20_000)
        }
        let none = try folder.write(Array(streamed[..<300]), "none.flac")
        #expect { try AudioReader(path: none) } throws: { "\($0)".contains("truncated") }
    }

    private func little(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
}
